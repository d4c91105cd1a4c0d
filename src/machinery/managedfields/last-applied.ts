/** The move from client-side apply: what kubectl had applied that way, as its annotation remembers, is kubectl's own. */
import type { KubeObject } from '../meta/object.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './config-fields.ts';
import { difference, type FieldSet, nothing } from './field-set.ts';
import type { Shape } from './shape.ts';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The one manager whose appliers take over from client-side apply. */
export const lastAppliedManager = 'kubectl';

const lastAppliedOf = (object: KubeObject): string | undefined =>
  object.metadata.annotations?.[lastAppliedAnnotation] || undefined;

/** The fields that client-side apply set and that still are as it set them; undefined when it is not known. */
export function lastAppliedFields(live: KubeObject, apiVersion: string, shape: Shape): FieldSet | undefined {
  const text = lastAppliedOf(live);
  if (text === undefined) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    return undefined;
  }
  if ((config as { apiVersion?: unknown } | null)?.apiVersion !== apiVersion) return undefined;
  const changes = compare(config, live, shape);
  let fields = fieldsOf(config, shape);
  for (const set of [changes?.modified, changes?.added, changes?.removed]) fields = difference(fields, set ?? nothing);
  return fields;
}

/** Where client-side apply left its annotation, server-side apply by kubectl keeps it up to date. Changes `object`. */
export function updateLastApplied(object: KubeObject, config: KubeObject): void {
  if (lastAppliedOf(object) === undefined) return;
  const { annotations, ...metadata } = config.metadata;
  const others = { ...annotations };
  delete others[lastAppliedAnnotation];
  const kept = annotations ? { annotations: others } : {};
  object.metadata.annotations = {
    ...object.metadata.annotations,
    [lastAppliedAnnotation]: `${sortedJson({ ...config, metadata: { ...metadata, ...kept } })}\n`,
  };
}

/** Maps sorted by key, as Go writes them. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
