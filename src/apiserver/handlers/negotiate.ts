/** Which representation a client accepts (apiserver endpoints/handlers/negotiation). */
import { protobufKindOf, protobufMediaType } from '../../apis/protobuf.ts';
import { newNotAcceptable, newUnsupportedMediaType } from '../../machinery/status/errors.ts';
import type { Resource } from '../registry/resource.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';

export interface Negotiated {
  readonly encoding: Encoding;
  readonly as: 'object' | 'table' | 'metadata';
  /** Version of the Table or PartialObjectMetadata kinds: `v1` or `v1beta1` of meta.k8s.io. */
  readonly metaVersion: 'v1' | 'v1beta1';
}

export const objectMediaTypes = ['application/json', 'application/yaml', protobufMediaType];
const streamMediaTypes = ['application/json;stream=watch', `${protobufMediaType};stream=watch`];

export interface NegotiateOptions {
  readonly watch?: boolean;
  /** Whose objects are asked for; absent: an answer of the machinery or another kind that every encoding has. */
  readonly resource?: Pick<Resource, 'apiVersion' | 'kind'>;
}
export const patchMediaTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const json: Negotiated = { encoding: 'json', as: 'object', metaVersion: 'v1' };

/** One of an Accept header's alternatives. */
export interface AcceptClause {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** `a/b;x=1;q=0.5, c/d` with the preferred first. */
export function parseAccept(header: string): AcceptClause[] {
  const clauses: AcceptClause[] = [];
  for (const part of header.split(',')) {
    const [type = '', ...rest] = part.split(';').map((s) => s.trim());
    if (type === '') continue;
    const params = new Map<string, string>();
    for (const param of rest) {
      const equals = param.indexOf('=');
      if (equals > 0) params.set(param.slice(0, equals).toLowerCase(), param.slice(equals + 1).replace(/^"|"$/g, ''));
    }
    const q = Number(params.get('q') ?? '1');
    clauses.push({ type: type.toLowerCase(), params, quality: Number.isFinite(q) ? q : 1 });
  }
  return clauses.some((c) => c.quality !== 1) ? clauses.sort((a, b) => b.quality - a.quality) : clauses;
}

function encodingOf(type: string): Encoding | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case protobufMediaType:
      return 'protobuf';
    default:
      return undefined;
  }
}

function acceptable(clause: AcceptClause, { watch = false, resource }: NegotiateOptions): Negotiated | undefined {
  const { type, params } = clause;
  const encoding = encodingOf(type);
  if (encoding === undefined || (watch && encoding === 'yaml')) return undefined;
  const stream = params.get('stream') ?? '';
  if (stream !== '' && stream !== 'watch') return undefined;
  const as = params.get('as');
  if (as === undefined) {
    if (encoding === 'json') return json;
    if (encoding === 'protobuf' && resource !== undefined && protobufKindOf(resource) === undefined) return undefined;
    return { ...json, encoding };
  }
  const version = params.get('v');
  if (params.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table' && encoding !== 'protobuf') return { encoding, as: 'table', metaVersion: version };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
    return { encoding, as: 'metadata', metaVersion: version };
  return undefined;
}

/** Throws StatusError 406 when nothing that the client takes can be made. */
export function negotiate(accept: string | undefined, options: NegotiateOptions = {}): Negotiated {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return json;
  for (const clause of parseAccept(accept)) {
    const found = acceptable(clause, options);
    if (found) return found;
  }
  throw newNotAcceptable(options.watch ? streamMediaTypes : objectMediaTypes);
}

/** The media type of a body, without parameters, lower case; '' when there is none. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Throws StatusError 415 for bodies that cannot be read. No content type is taken as JSON, as upstream does. */
export function bodyEncoding(contentType: string | undefined): Encoding {
  const type = mediaTypeOf(contentType);
  if (type === '' || type === 'application/json') return 'json';
  if (type === 'application/yaml') return 'yaml';
  throw newUnsupportedMediaType(objectMediaTypes);
}
