/** Whether a webhook is asked about a request, and as which version of its resource. */
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { newInternalError, newNotFound } from '../../../machinery/status/errors.ts';
import { StatusError } from '../../../machinery/status/status.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { Resource } from '../../registry/resource.ts';
import type { Attributes } from '../plugin.ts';
import type { Hook } from './hook.ts';
import { ruleMatches, type RuleSubject } from './rules.ts';

/** A webhook to be asked, in the version that its rules name. */
export interface Invocation {
  readonly hook: Hook;
  /** The request's own, or one equivalent to it. Undefined where the request has none (tests, odd sub-resources). */
  readonly resource: Resource | undefined;
}

export interface MatchDependencies {
  readonly lookup: () => Lookup;
  /** All served resources: those of one storage are equivalent. */
  readonly resources: () => readonly Resource[];
}

const exemptKinds: ReadonlySet<string> = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
]);

/** Requests that no webhook may stand in the way of: a broken one could not be removed any more. */
export function isExempt({ group, kind }: Attributes): boolean {
  return group === 'admissionregistration.k8s.io' && exemptKinds.has(kind);
}

/** The namespace that a request is about; of a Namespace itself, its name. */
export function namespaceOfRequest({ group, resource, namespace, name }: Attributes): string {
  return namespace === '' && group === '' && resource === 'namespaces' ? name : namespace;
}

/** Undefined: the webhook is not asked. Throws a StatusError when that cannot be told. */
export function invocationOf(hook: Hook, attributes: Attributes, deps: MatchDependencies): Invocation | undefined {
  const namespace = namespaceOfRequest(attributes);
  // A selector that cannot be evaluated is a failure only of webhooks whose rules match.
  let failure: StatusError | undefined;
  try {
    if (!namespaceMatches(hook, attributes, namespace, deps)) return undefined;
  } catch (error) {
    failure = error instanceof StatusError ? error : newInternalError(String(error));
  }
  if (!objectMatches(hook, attributes)) return undefined;
  const invocation = ruledIn(hook, attributes, namespace, deps);
  if (invocation !== undefined && failure !== undefined) throw failure;
  return invocation;
}

function ruledIn(
  hook: Hook,
  attributes: Attributes,
  namespace: string,
  deps: MatchDependencies,
): Invocation | undefined {
  const subject: RuleSubject = { ...subjectOf(attributes), namespace };
  const { served } = attributes;
  if (hook.rules.some((rule) => ruleMatches(rule, subject))) return { hook, resource: served };
  if (!hook.equivalent || served?.storage === undefined) return undefined;
  const { id } = served.storage;
  const others = deps.resources().filter((r) => r !== served && r.storage?.id === id);
  // Earlier rules first.
  for (const rule of hook.rules)
    for (const resource of others)
      if (
        ruleMatches(rule, { ...subject, group: resource.group, version: resource.version, resource: resource.plural })
      )
        return { hook, resource };
  return undefined;
}

const subjectOf = ({ operation, group, version, resource, subresource }: Attributes) => ({
  operation,
  group,
  version,
  resource,
  subresource,
});

/** Cluster-scoped requests always match; Namespaces by their own labels. */
function namespaceMatches(hook: Hook, attributes: Attributes, namespace: string, deps: MatchDependencies): boolean {
  if (hook.namespaceSelector.empty) return true;
  if (namespace === '') return true;
  const { resource, group, subresource, operation, object } = attributes;
  const ownLabels =
    group === '' &&
    resource === 'namespaces' &&
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE');
  if (ownLabels) return hook.namespaceSelector.matches(object?.metadata.labels);
  const stored = deps.lookup().get<KubeObject>('', 'namespaces', '', namespace);
  if (stored === undefined) throw newNotFound({ group: '', resource: 'namespaces' }, namespace);
  return hook.namespaceSelector.matches(stored.metadata.labels);
}

/** By the labels of what is written or of what is there. */
function objectMatches({ objectSelector }: Hook, { object, oldObject }: Attributes): boolean {
  if (objectSelector.empty) return true;
  return [object, oldObject].some((o) => o?.metadata !== undefined && objectSelector.matches(o.metadata.labels));
}
