/**
 * The ConfigMap kube-system/extension-apiserver-authentication: where aggregated API servers learn whom to trust. API
 * servers with different flags share it, so what others have written stays and ours is added to it.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { RequestHeaderOptions } from '../authn/request-header.ts';
import type { Loopback } from './loopback.ts';

export interface ClusterAuthentication extends RequestHeaderOptions {
  /** PEM; '' where there is none. */
  readonly clientCAFile: string;
  readonly requestheaderClientCAFile: string;
}

const at = { group: '', version: 'v1', resource: 'configmaps' };
const namespace = 'kube-system';
const name = 'extension-apiserver-authentication';

type Data = Readonly<Record<string, string>>;

/** Writes it where something is missing. Of two servers that write at once, the other's next call adds its part. */
export async function keepExtensionAuthentication(loopback: Loopback, wanted: ClusterAuthentication): Promise<void> {
  const stored = loopback.get<KubeObject & { data?: Data }>(at, namespace, name);
  const data = combined(stored?.data ?? {}, wanted);
  if (stored !== undefined && same(stored.data ?? {}, data)) return;
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, ...stored, data } as KubeObject;
  try {
    await (stored === undefined ? loopback.create(at, object) : loopback.update(at, object));
  } catch (error) {
    if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
  }
}

/** What is there with what is wanted. Keys that upstream does not know are dropped, as it drops them. */
export function combined(stored: Data, wanted: ClusterAuthentication): Data {
  const clientCa = combinedBundle(stored['client-ca-file'], wanted.clientCAFile);
  const data: Record<string, string> = clientCa === '' ? {} : { 'client-ca-file': clientCa };
  const proxyCa = combinedBundle(stored['requestheader-client-ca-file'], wanted.requestheaderClientCAFile);
  if (proxyCa === '') return data;
  const list = (key: string, more: readonly string[]) => [
    ...new Set([...namesIn(stored[`requestheader-${key}`]), ...more]),
  ];
  const uidHeaders = list('uid-headers', wanted.requestheaderUidHeaders);
  return {
    ...data,
    'requestheader-allowed-names': JSON.stringify(list('allowed-names', wanted.requestheaderAllowedNames)),
    'requestheader-client-ca-file': proxyCa,
    'requestheader-extra-headers-prefix': JSON.stringify(
      list('extra-headers-prefix', wanted.requestheaderExtraHeadersPrefix),
    ),
    'requestheader-group-headers': JSON.stringify(list('group-headers', wanted.requestheaderGroupHeaders)),
    ...(uidHeaders.length > 0 ? { 'requestheader-uid-headers': JSON.stringify(uidHeaders) } : {}),
    'requestheader-username-headers': JSON.stringify(list('username-headers', wanted.requestheaderUsernameHeaders)),
  };
}

/** A value that somebody has broken counts as empty: it is written anew. */
function namesIn(text: string | undefined): string[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  } catch {
    return [];
  }
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each certificate once. */
function combinedBundle(stored: string | undefined, wanted: string): string {
  const certificates = new Set([...(stored?.match(blocks) ?? []), ...(wanted.match(blocks) ?? [])]);
  return [...certificates].map((certificate) => `${certificate}\n`).join('');
}

const same = (a: Data, b: Data): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);
