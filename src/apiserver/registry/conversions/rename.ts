import type { KubeObject } from '../../../machinery/meta/object.ts';

/** The same object with top-level fields renamed; those not named keep their names. */
export function renamed(object: KubeObject, names: ReadonlyMap<string, string>): KubeObject {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) out[names.get(key) ?? key] = value;
  return out as unknown as KubeObject;
}
