/** Answers made of cached bytes. */
import { encodeText, parseJson, stringifyJson } from '../../machinery/codec/json.ts';
import { stringifyYaml } from '../../machinery/codec/yaml.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';
import type { Encoding } from './negotiate.ts';

const jsonHeaders = { 'content-type': 'application/json' };
const yamlHeaders = { 'content-type': 'application/yaml' };

export const contentHeaders = (encoding: Encoding) => (encoding === 'yaml' ? yamlHeaders : jsonHeaders);

/** JSON bytes in the encoding that was negotiated. */
export function bytesResponse(status: number, body: Uint8Array, encoding: Encoding): WireResponse {
  return { kind: 'bytes', status, headers: contentHeaders(encoding), body: encoding === 'yaml' ? toYaml(body) : body };
}

export function objectResponse(status: number, object: CachedObject, form: Form, encoding: Encoding): WireResponse {
  return bytesResponse(status, form.single(object), encoding);
}

/** An object that is not stored (Scale, Status ...). */
export function valueResponse(status: number, value: unknown, encoding: Encoding = 'json'): WireResponse {
  return bytesResponse(status, encodeText(`${stringifyJson(value)}\n`), encoding);
}

export function toYaml(json: Uint8Array): Uint8Array {
  return encodeText(stringifyYaml(parseJson(json).value));
}
