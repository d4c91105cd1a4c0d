/** Answers made of cached bytes. */
import { encodeText, parseJson, stringifyJson } from '../../machinery/codec/json.ts';
import { stringifyYaml } from '../../machinery/codec/yaml.ts';
import { protobufMediaType } from '../../apis/protobuf.ts';
import type { WireHeaders, WireResponse } from '../../machinery/wire.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';
import type { Encoding } from './negotiate.ts';

const headersOf: Readonly<Record<Encoding, WireHeaders>> = {
  json: { 'content-type': 'application/json' },
  yaml: { 'content-type': 'application/yaml' },
  protobuf: { 'content-type': protobufMediaType },
};

export const contentHeaders = (encoding: Encoding): WireHeaders => headersOf[encoding];

const protobufStream: WireHeaders = { 'content-type': `${protobufMediaType};stream=watch` };

/** Of a watch. */
export const streamHeaders = (encoding: Encoding): WireHeaders =>
  encoding === 'protobuf' ? protobufStream : headersOf.json;

/** Bytes of a form of that encoding; for YAML, JSON. */
export function bytesResponse(status: number, body: Uint8Array, encoding: Encoding): WireResponse {
  return { kind: 'bytes', status, headers: contentHeaders(encoding), body: encoding === 'yaml' ? toYaml(body) : body };
}

export function objectResponse(status: number, object: CachedObject, form: Form, encoding: Encoding): WireResponse {
  return bytesResponse(status, form.single(object), encoding);
}

/** An object that is not stored (Scale, Status ...). */
export function valueResponse(status: number, value: unknown, encoding: Encoding = 'json'): WireResponse {
  // Where protobuf is wanted, the chain makes it of the answer.
  const json = encodeText(`${stringifyJson(value)}\n`);
  return bytesResponse(status, json, encoding === 'protobuf' ? 'json' : encoding);
}

export function toYaml(json: Uint8Array): Uint8Array {
  return encodeText(stringifyYaml(parseJson(json).value));
}
