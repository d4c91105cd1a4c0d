/**
 * Pod security standards by namespace: pods that violate the level to enforce are refused; pods, and workloads that would
 * make such pods, that violate the level to warn of are warned of.
 */
import type { Namespace, Pod, PodSpec } from '../../../apis/generated/types/core/v1.ts';
import type { ObjectMeta } from '../../../machinery/meta/object.ts';
import { jsonEqual } from '../../../machinery/patch/json-value.ts';
import { newInvalid } from '../../../machinery/status/errors.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { refuse } from '../refuse.ts';
import { detailText, evaluate, reasonText } from './evaluate.ts';
import { type LevelVersion, levelText, policyOf, sameLevel, strictness } from './policy.ts';

/** Requests that do not change what a pod may do. */
const ignoredSubresources: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]);

/** Where workloads have their pods, by `group/resource`. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  '/podtemplates': ['template'],
  '/replicationcontrollers': ['spec', 'template'],
  'apps/replicasets': ['spec', 'template'],
  'apps/deployments': ['spec', 'template'],
  'apps/statefulsets': ['spec', 'template'],
  'apps/daemonsets': ['spec', 'template'],
  'batch/jobs': ['spec', 'template'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Pods of a namespace that are looked at when its level is raised. */
const maxPodsToCheck = 3000;

export class PodSecurity implements AdmissionPlugin {
  readonly name = 'PodSecurity';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE' || operation === 'UPDATE';
  }

  validate(attributes: Attributes): void {
    const { group, resource, subresource } = attributes;
    if (group === '' && resource === 'namespaces') {
      if (subresource === '') this.#validateNamespace(attributes);
    } else if (group === '' && resource === 'pods') {
      if (!ignoredSubresources.has(subresource)) this.#validatePod(attributes);
    } else if (subresource === '') {
      const path = templatePaths[`${group}/${resource}`];
      if (path) this.#warnOfTemplate(attributes, path);
    }
  }

  #policy(namespace: string) {
    return policyOf(this.#lookup().get<Namespace>('', 'namespaces', '', namespace)?.metadata.labels).policy;
  }

  #validatePod(attributes: Attributes): void {
    const policy = this.#policy(attributes.namespace);
    const pod = attributes.object as Pod;
    if (!pod.spec || [policy.enforce, policy.warn].every(({ level }) => level === 'privileged')) return;
    if (attributes.operation === 'UPDATE' && !isSignificant(pod, attributes.oldObject as Pod)) return;
    const findings = evaluate(policy.enforce, pod.metadata, pod.spec);
    if (findings.length > 0)
      throw refuse(attributes, `violates PodSecurity "${levelText(policy.enforce)}": ${detailText(findings)}`);
    warn(attributes, policy.warn, pod.metadata, pod.spec);
  }

  #warnOfTemplate(attributes: Attributes, path: readonly string[]): void {
    const policy = this.#policy(attributes.namespace);
    if (policy.warn.level === 'privileged') return;
    let template: unknown = attributes.object;
    for (const step of path) template = (template as Record<string, unknown> | undefined)?.[step];
    const { metadata = {}, spec } = (template ?? {}) as { metadata?: ObjectMeta; spec?: PodSpec };
    if (spec) warn(attributes, policy.warn, metadata, spec);
  }

  #validateNamespace(attributes: Attributes): void {
    const { object, oldObject } = attributes;
    const now = policyOf(object!.metadata.labels);
    const before = attributes.operation === 'UPDATE' ? policyOf(oldObject!.metadata.labels) : undefined;
    if (now.errors.length > 0 && !(before && jsonEqual(now.errors, before.errors)))
      throw newInvalid({ group: '', kind: 'Namespace' }, object!.metadata.name ?? '', [...now.errors]);
    if (!before) return;
    const [enforce, was] = [now.policy.enforce, before.policy.enforce];
    if (sameLevel(enforce, was) || enforce.level === 'privileged') return;
    if (enforce.minor === was.minor && strictness(enforce) <= strictness(was)) return;
    for (const warning of this.#warningsOf(object!.metadata.name!, enforce)) attributes.context.warnings.push(warning);
  }

  /** Of the pods that there are already: once for each kind of violation. */
  #warningsOf(namespace: string, enforce: LevelVersion): string[] {
    const pods = byController(this.#lookup().list<Pod>('', 'pods', namespace));
    const names = new Map<string, string[]>();
    for (const { metadata, spec } of pods.slice(0, maxPodsToCheck)) {
      const reasons = spec ? reasonText(evaluate(enforce, metadata, spec)) : '';
      if (reasons !== '') names.set(reasons, [...(names.get(reasons) ?? []), metadata.name!]);
    }
    const warnings: string[] = [];
    if (pods.length > maxPodsToCheck)
      warnings.push(
        `new PodSecurity enforce level only checked against the first ${maxPodsToCheck} of ${pods.length} existing pods`,
      );
    if (names.size > 0)
      warnings.push(
        `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${levelText(enforce)}"`,
      );
    const lines = [...names].map(([reasons, of]) => `${[...of].sort()[0]}${othersText(of.length - 1)}: ${reasons}`);
    return [...warnings, ...lines.sort()];
  }
}

function othersText(count: number): string {
  if (count === 0) return '';
  return count === 1 ? ' (and 1 other pod)' : ` (and ${count} other pods)`;
}

/** One pod of each controller first: its others are alike. */
function byController(pods: readonly Pod[]): readonly Pod[] {
  if (pods.length <= maxPodsToCheck) return pods;
  const seen = new Set<string>();
  const [first, rest]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined || !seen.has(owner)) first.push(pod);
    else rest.push(pod);
    if (owner !== undefined) seen.add(owner);
  }
  return [...first, ...rest];
}

function warn(attributes: Attributes, level: LevelVersion, metadata: ObjectMeta, spec: PodSpec): void {
  const findings = evaluate(level, metadata, spec);
  if (findings.length === 0) return;
  const text = `would violate PodSecurity "${levelText(level)}": ${detailText(findings)}`;
  const { warnings } = attributes.context;
  if (!warnings.includes(text)) warnings.push(text);
}

/** An update of a pod can change images, and add ephemeral containers: nothing else matters here. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const imagesOf = ({ spec }: Pod) => [
    (spec?.containers ?? []).map(({ image }) => image),
    (spec?.initContainers ?? []).map(({ image }) => image),
  ];
  if (!jsonEqual(imagesOf(pod), imagesOf(old))) return true;
  return (pod.spec?.ephemeralContainers ?? []).some(({ name, image }) => {
    const before = old.spec?.ephemeralContainers?.find((container) => container.name === name);
    return before?.image !== image || !before;
  });
}
