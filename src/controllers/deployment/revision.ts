/** Revisions, templates and the annotations that carry them from a Deployment to its ReplicaSets. Pure. */
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { PodTemplateSpec } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { canonicalJson, fnv1a32, safeEncode } from '../common/hash.ts';

type D = DeepReadonly<Deployment>;
type RS = DeepReadonly<ReplicaSet>;
type Template = DeepReadonly<PodTemplateSpec> | undefined;

export const annotation = {
  revision: 'deployment.kubernetes.io/revision',
  revisionHistory: 'deployment.kubernetes.io/revision-history',
  desiredReplicas: 'deployment.kubernetes.io/desired-replicas',
  maxReplicas: 'deployment.kubernetes.io/max-replicas',
} as const;

export const templateHashLabel = 'pod-template-hash';
/** A longer history of revisions loses its oldest. */
const maxHistoryChars = 2000;

/** A Deployment's annotations that are its own and not its ReplicaSets'. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  ...Object.values(annotation),
]);

export function intAnnotation(object: DeepReadonly<KubeObject>, name: string): number | undefined {
  const text = object.metadata.annotations?.[name];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** Revisions are 64-bit integers, and an adopted ReplicaSet brings its own: JavaScript's numbers would round them. */
export const revisionOf = (object: DeepReadonly<KubeObject>): bigint =>
  parseRevision(object.metadata.annotations?.[annotation.revision]);

const parseRevision = (text: string | undefined): bigint =>
  text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : 0n;

/** Templates are the same when nothing differs but the label that the controller itself adds. */
export const sameTemplate = (a: Template, b: Template): boolean => semanticEqual(withoutHash(a), withoutHash(b));

function withoutHash(template: Template): Template {
  if (!template?.metadata?.labels?.[templateHashLabel]) return template;
  const { [templateHashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The ReplicaSet of the current template: the oldest, should there be several. */
export function findNewReplicaSet(d: D, sets: readonly RS[]): RS | undefined {
  return [...sets].sort(byCreation).find((rs) => sameTemplate(rs.spec?.template, d.spec?.template));
}

export function byCreation(a: RS, b: RS): number {
  const [timeA, timeB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  const [nameA = '', nameB = ''] = [a.metadata.name, b.metadata.name];
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

/** Stable for a template and a count of collisions. Upstream hashes another text of it; nobody else reads the value. */
export function templateHash(template: Template, collisions: number | undefined): string {
  return safeEncode(fnv1a32(`${canonicalJson(template)}${collisions ?? ''}`));
}

/** The annotations that a ReplicaSet should have, as the current one or as one just made. */
export function replicaSetAnnotations(d: D, rs: RS | undefined, newRevision: bigint): Record<string, string> {
  const annotations: Record<string, string> = { ...rs?.metadata.annotations };
  for (const [name, value] of Object.entries(d.metadata.annotations ?? {}))
    if (!notCopied.has(name)) annotations[name] = value;
  const oldText = annotations[annotation.revision];
  if (oldText !== undefined && parseRevision(oldText) >= newRevision) return annotations;
  annotations[annotation.revision] = String(newRevision);
  if (oldText === undefined) return annotations;
  // It comes back from an earlier revision (a rollback): keep which it was.
  const history = [...(annotations[annotation.revisionHistory]?.split(',') ?? []), oldText];
  while (history.length > 1 && history.join(',').length > maxHistoryChars) history.shift();
  annotations[annotation.revisionHistory] = history.join(',');
  return annotations;
}
