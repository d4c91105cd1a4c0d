/** Who asks, told to an aggregated server in headers that our front-proxy certificate vouches for. */
import type { UserInfo } from '../../machinery/wire.ts';

export type Headers = Record<string, string | readonly string[]>;

/** Whatever a client sent under these names is dropped: it would speak with our voice. */
export const isRemoteHeader = (name: string): boolean =>
  name === 'x-remote-user' ||
  name === 'x-remote-uid' ||
  name === 'x-remote-group' ||
  name.startsWith('x-remote-extra-');

export function remoteHeaders({ username, uid, groups, extra }: UserInfo): Headers {
  const headers: Headers = { 'X-Remote-User': username };
  if (uid) headers['X-Remote-Uid'] = uid;
  if (groups.length > 0) headers['X-Remote-Group'] = groups;
  for (const [key, values] of Object.entries(extra ?? {})) headers[`X-Remote-Extra-${escapeKey(key)}`] = values;
  return headers;
}

const encoder = new TextEncoder();

/** Bytes that a header's name cannot have, and `%` itself, in percent form. */
function escapeKey(key: string): string {
  return key.replace(/[^!#$&'*+\-.^_`|~0-9A-Za-z]/gu, (c) =>
    Array.from(encoder.encode(c), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
