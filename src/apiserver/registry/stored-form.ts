/**
 * How an object lies in the store, and how it is served without being encoded again.
 *
 * Stored: `{"metadata":{"name":...},...}`: metadata first, no type meta, no resourceVersion (unknown before the commit).
 * Served: `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":...},...}`: the head is put together
 * from the type and the revision, the rest is the stored bytes from `metadataStart` on.
 */
import { parseJson } from '../../machinery/codec/json.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';

/** Length of `{"metadata":{`, after which the first key of the metadata begins. */
const metadataStart = 13;

/** The object's bytes for the store. Its metadata has at least a name. */
export function encodeStored(encode: (object: KubeObject) => Uint8Array, object: KubeObject): Uint8Array {
  const { apiVersion: _v, kind: _k, ...rest } = object;
  const { resourceVersion: _r, ...metadata } = object.metadata;
  return encode({ ...rest, metadata });
}

/** What stands before the stored metadata in the served form. */
export function servedHead(apiVersion: string, kind: string): string {
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{"resourceVersion":"`;
}

/** Items of built-in lists carry no type meta. */
export const itemHead = '{"metadata":{"resourceVersion":"';

const versionKey = '"resourceVersion":"';

/**
 * `head`, the revision, the stored bytes from their metadata on, and `after` (ASCII). Revision 0 is that of an object
 * that was not written (dry run): it has no resourceVersion.
 */
export function splice(head: string, revision: number, stored: Uint8Array, after = ''): Uint8Array {
  const start = revision === 0 ? head.slice(0, -versionKey.length) : `${head}${revision}",`;
  const out = new Uint8Array(start.length + stored.length - metadataStart + after.length);
  // Heads are ASCII: kinds, versions and digits.
  for (let i = 0; i < start.length; i++) out[i] = start.charCodeAt(i);
  out.set(stored.subarray(metadataStart), start.length);
  for (let i = 0, at = out.length - after.length; i < after.length; i++) out[at + i] = after.charCodeAt(i);
  return out;
}

/** Reads stored bytes; type meta and resourceVersion are filled in. A new object each time. */
export function decodeStored(stored: Uint8Array, revision: number, apiVersion: string, kind: string): KubeObject {
  const object = parseJson(stored).value as KubeObject;
  object.metadata.resourceVersion = String(revision);
  return { kind, apiVersion, ...object };
}
