/** Which policies are about a request, with which bindings and parameters. */
import { newForbidden } from '../../../machinery/status/errors.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { type LabelSelector, selectorFromObject } from '../../../machinery/selectors/labels.ts';
import type { Resource } from '../../registry/resource.ts';
import type { Attributes } from '../plugin.ts';
import type { Hook } from '../webhook/hook.ts';
import { invocationOf, type MatchDependencies, namespaceOfRequest } from '../webhook/match.ts';
import { type Rule, ruleMatches } from '../webhook/rules.ts';

/** Of both kinds of policies and of their bindings. */
export interface MatchResources {
  readonly namespaceSelector?: unknown;
  readonly objectSelector?: unknown;
  readonly resourceRules?: readonly NamedRule[];
  readonly excludeResourceRules?: readonly NamedRule[];
  readonly matchPolicy?: string;
}

interface NamedRule extends Rule {
  readonly resourceNames?: readonly string[];
}

export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: unknown;
  readonly parameterNotFoundAction?: string;
}

export interface PolicyBinding extends KubeObject {
  readonly spec: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
    readonly validationActions?: readonly string[];
  };
}

const selector = (value: unknown): LabelSelector => selectorFromObject((value ?? {}) as never);
const selectors = new WeakMap<
  MatchResources,
  { readonly namespaces: LabelSelector; readonly objects: LabelSelector }
>();

function selectorsOf(match: MatchResources) {
  let known = selectors.get(match);
  if (!known) {
    known = { namespaces: selector(match.namespaceSelector), objects: selector(match.objectSelector) };
    selectors.set(match, known);
  }
  return known;
}

/**
 * The resource in whose version the policy sees the objects; undefined: it is not about the request. Without rules of
 * its own (a binding) everything matches.
 */
export function matchedResource(
  match: MatchResources | undefined,
  attributes: Attributes,
  deps: MatchDependencies,
): { readonly resource: Resource | undefined } | undefined {
  if (!match) return { resource: attributes.served };
  const named = (rule: NamedRule) => !rule.resourceNames?.length || rule.resourceNames.includes(attributes.name);
  const subject = { ...attributes, namespace: namespaceOfRequest(attributes) };
  if ((match.excludeResourceRules ?? []).some((rule) => named(rule) && ruleMatches(rule, subject))) return undefined;
  const { namespaces, objects } = selectorsOf(match);
  const rules = match.resourceRules?.filter(named);
  const everything: Rule = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', '*/*'] };
  const hook = {
    rules: match.resourceRules?.length ? rules : [everything],
    equivalent: match.matchPolicy !== 'Exact',
    namespaceSelector: namespaces,
    objectSelector: objects,
  } as unknown as Hook;
  return invocationOf(hook, attributes, deps);
}

/**
 * The parameters of a binding: one round for each; `undefined` stands for a policy without. Throws a StatusError when
 * parameters are missing that must not be.
 */
export function paramsOf(
  paramKind: { readonly apiVersion?: string; readonly kind?: string } | undefined,
  binding: PolicyBinding,
  attributes: Attributes,
  deps: MatchDependencies,
): readonly (KubeObject | undefined)[] {
  const { paramRef } = binding.spec;
  if (!paramKind || !paramRef) return [undefined];
  const refuse = (why: string) =>
    newForbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, why);
  const kind = deps.resources().find((r) => r.apiVersion === paramKind.apiVersion && r.kind === paramKind.kind);
  if (!kind)
    throw refuse(
      `failed to find resource for param kind: ${paramKind.apiVersion}, Kind=${paramKind.kind} is not served`,
    );
  const namespace = kind.namespaced ? (paramRef.namespace ?? namespaceOfRequest(attributes)) : '';
  if (kind.namespaced && namespace === '')
    throw refuse('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  const lookup = deps.lookup();
  let found: readonly KubeObject[];
  if (paramRef.name) {
    const one = lookup.get<KubeObject>(kind.group, kind.plural, namespace, paramRef.name);
    found = one ? [one] : [];
  } else {
    const wanted = selector(paramRef.selector);
    found = lookup
      .list<KubeObject>(kind.group, kind.plural, namespace)
      .filter((o) => wanted.matches(o.metadata.labels));
  }
  if (found.length > 0) return found;
  if (paramRef.parameterNotFoundAction === 'Allow') return [];
  throw refuse('no params found for policy binding with `Deny` parameterNotFoundAction');
}

/** Policies with their bindings, followed in the watch cache: what a client was told is written counts at once. */
export class PolicySource<P extends KubeObject> {
  readonly #deps: MatchDependencies;
  readonly #policies: string;
  #bound: readonly { readonly policy: P; readonly bindings: readonly PolicyBinding[] }[] | undefined;
  #following = false;

  /** `policies`: the plural; that of the bindings is made of it. */
  constructor(deps: MatchDependencies, policies: 'validatingadmissionpolicies' | 'mutatingadmissionpolicies') {
    this.#deps = deps;
    this.#policies = policies;
  }

  /** By name. Policies without bindings do nothing and are left out. */
  bound(): readonly { readonly policy: P; readonly bindings: readonly PolicyBinding[] }[] {
    if (this.#bound) return this.#bound;
    const lookup = this.#deps.lookup();
    const group = 'admissionregistration.k8s.io';
    const bindingsName = this.#policies.replace(/policies$/, 'policybindings');
    if (!this.#following) {
      this.#following = true;
      for (const resource of [this.#policies, bindingsName])
        lookup.subscribe(group, resource, () => {
          this.#bound = undefined;
        });
    }
    const bindings = lookup.list<PolicyBinding>(group, bindingsName);
    this.#bound = lookup
      .list<P>(group, this.#policies)
      .map((policy) => ({
        policy,
        bindings: bindings.filter((binding) => binding.spec.policyName === policy.metadata.name),
      }))
      .filter((one) => one.bindings.length > 0);
    return this.#bound;
  }
}
