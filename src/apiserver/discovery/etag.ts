/** Documents that clients keep: an ETag by content, and 304 for those who have it. */
import type { WireHeaders, WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';

/** Upper-case hexadecimal SHA-512, as upstream's hashes are. */
export async function contentHash(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-512', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (b) => b.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

/** 304 without a body when the request's If-None-Match names `hash`; else the document. */
export function withEtag(context: RequestContext, hash: string, body: Uint8Array, headers: WireHeaders): WireResponse {
  const etag = `"${hash}"`;
  const asked = context.request.headers['if-none-match'];
  const known = asked?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;
  return {
    kind: 'bytes',
    status: known ? 304 : 200,
    headers: { ...headers, etag },
    body: known ? new Uint8Array() : body,
  };
}
