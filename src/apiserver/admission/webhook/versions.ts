/** Objects of a request in the version that a webhook understands. */
import { cloneJson } from '../../../machinery/patch/json-value.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import type { Resource } from '../../registry/resource.ts';

/** Of one served version of a resource into another, by way of what is stored. The argument stays as it is. */
export async function convertBetween(from: Resource, to: Resource, object: KubeObject): Promise<KubeObject> {
  if (from === to) return object;
  let converted = cloneJson(object);
  if (from.storage?.conversion) converted = await from.storage.conversion.toStorage(converted);
  if (to.storage?.conversion) converted = await to.storage.conversion.fromStorage(converted);
  converted.apiVersion = to.apiVersion;
  converted.kind = to.kind;
  return converted;
}

/** Makes `object` what `replacement` is; who holds a reference to it sees the new state. */
export function replaceContents(object: KubeObject, replacement: KubeObject): void {
  const target = object as unknown as Record<string, unknown>;
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, replacement);
}
