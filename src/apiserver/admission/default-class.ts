/** Of classes marked as the default, the newest; of equally new ones the first by name. */
import type { KubeObject } from '../../machinery/meta/object.ts';

export function defaultClassOf<T extends KubeObject>(
  classes: readonly T[],
  ...annotations: readonly string[]
): T | undefined {
  const marked = classes.filter((c) => annotations.some((key) => c.metadata.annotations?.[key] === 'true'));
  const age = (c: T) => c.metadata.creationTimestamp ?? '';
  return marked.sort((a, b) =>
    age(a) === age(b) ? ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1) : age(a) < age(b) ? 1 : -1,
  )[0];
}
