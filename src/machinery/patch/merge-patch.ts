/** JSON merge patch (RFC 7386): null deletes, maps merge, everything else replaces. */
import { newBadRequest } from '../status/errors.ts';
import { cloneJson, getKey, isMap, type JsonMap, setKey } from './json-value.ts';

/** The patched document; neither argument is changed or shared. Throws StatusError (400) when the patch is no map. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isMap(patch)) throw newBadRequest('Invalid JSON Patch');
  return merge(cloneJson(document), patch);
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return cloneJson(patch);
  const result: JsonMap = isMap(target) ? target : Object.create(Object.getPrototypeOf(patch));
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setKey(result, key, merge(getKey(result, key), value));
  }
  return result;
}
