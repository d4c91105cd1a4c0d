/** metadata.generation: 1 at creation, one more whenever what the user wants has changed. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';

export function startGeneration(object: KubeObject): void {
  object.metadata.generation = 1;
}

/** Whatever the client sent counts for nothing. `fields` are those whose change counts. */
export function bumpGeneration(object: KubeObject, old: KubeObject, fields: readonly string[] = ['spec']): void {
  const a = object as unknown as Record<string, unknown>;
  const b = old as unknown as Record<string, unknown>;
  const before = old.metadata.generation ?? 0;
  const generation = fields.every((field) => semanticEqual(a[field], b[field])) ? before : before + 1;
  if (generation === 0) delete object.metadata.generation;
  else object.metadata.generation = generation;
}

/** For warnings: what was said once of a spec need not be said at each write of something else. */
export function unchangedSpec(object: KubeObject, old: KubeObject | undefined): boolean {
  return old !== undefined && (object.metadata.generation ?? 0) === (old.metadata.generation ?? 0);
}
