/** How the watch cache reads the objects of one storage. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { ObjectReader } from '../watchcache/cached-object.ts';
import type { Resource } from './resource.ts';
import { decodeStored } from './stored-form.ts';

type FieldOf = (object: KubeObject) => string;

/** `resources`: all that share the storage. One of them is served as it is stored. */
export function readerOf(resources: readonly Resource[]): ObjectReader {
  const stored = resources.find((r) => !r.storage?.conversion) ?? resources[0]!;
  const fields = new Map<string, FieldOf>(Object.entries(stored.kindInfo.selectableFields ?? {}));
  for (const resource of resources) {
    const conversion = resource.storage?.conversion;
    if (!conversion) continue;
    for (const [name, get] of Object.entries(resource.kindInfo.selectableFields ?? {}))
      if (!fields.has(name)) fields.set(name, (object) => get(conversion.fromStorage({ ...object }) as never));
  }
  const getters = [...fields.values()];
  return {
    fieldNames: [...fields.keys()],
    fieldValues: (object) => getters.map((get) => fieldValue(get, object)),
    decode: (bytes, revision) => decodeStored(bytes, revision, stored.apiVersion, stored.kind),
  };
}

/** An object that a selector's field stumbles over must still be listed and watched: the field counts as unset. */
function fieldValue(get: FieldOf, object: KubeObject): string {
  try {
    return get(object);
  } catch {
    return '';
  }
}
