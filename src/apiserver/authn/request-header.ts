/**
 * Users named in headers by a front proxy (upstream: authentication/request/headerrequest): believed only on a connection
 * whose certificate the CA of front proxies has signed, for one of the allowed names.
 */
import type { UserInfo, WireRequest } from '../../machinery/wire.ts';

/** Named as upstream's flags. */
export interface RequestHeaderOptions {
  /** Common names of front proxies; none: whatever the CA has signed. */
  readonly requestheaderAllowedNames: readonly string[];
  readonly requestheaderUsernameHeaders: readonly string[];
  readonly requestheaderUidHeaders: readonly string[];
  readonly requestheaderGroupHeaders: readonly string[];
  readonly requestheaderExtraHeadersPrefix: readonly string[];
}

/** What kubeadm gives an API server. */
export const usualRequestHeaders: RequestHeaderOptions = {
  requestheaderAllowedNames: ['front-proxy-client'],
  requestheaderUsernameHeaders: ['X-Remote-User'],
  requestheaderUidHeaders: [],
  requestheaderGroupHeaders: ['X-Remote-Group'],
  requestheaderExtraHeadersPrefix: ['X-Remote-Extra-'],
};

export class RequestHeaderAuthenticator {
  readonly #allowedNames: ReadonlySet<string>;
  readonly #username: readonly string[];
  readonly #uid: readonly string[];
  readonly #group: readonly string[];
  readonly #extra: readonly string[];

  constructor(options: RequestHeaderOptions) {
    const lower = (names: readonly string[]) => names.map((name) => name.trim().toLowerCase());
    this.#allowedNames = new Set(options.requestheaderAllowedNames);
    this.#username = lower(options.requestheaderUsernameHeaders);
    this.#uid = lower(options.requestheaderUidHeaders);
    this.#group = lower(options.requestheaderGroupHeaders);
    this.#extra = lower(options.requestheaderExtraHeadersPrefix);
  }

  /** Undefined: no front proxy speaks, or it names nobody. */
  authenticate({ frontProxy, headers }: WireRequest): UserInfo | undefined {
    if (frontProxy === undefined) return undefined;
    if (this.#allowedNames.size > 0 && !this.#allowedNames.has(frontProxy.commonName)) return undefined;
    const first = (names: readonly string[]) =>
      names.map((name) => frontProxy.valuesOf(name)[0] ?? '').find((value) => value !== '');
    const username = first(this.#username);
    if (username === undefined) return undefined;
    const uid = first(this.#uid);
    const extra: Record<string, string[]> = {};
    for (const prefix of this.#extra)
      for (const name of Object.keys(headers).filter((header) => header.startsWith(prefix))) {
        const key = unescaped(name.slice(prefix.length));
        extra[key] = [...(extra[key] ?? []), ...frontProxy.valuesOf(name)];
      }
    return {
      username,
      ...(uid === undefined ? {} : { uid }),
      groups: this.#group.flatMap((name) => frontProxy.valuesOf(name)).filter((group) => group !== ''),
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
  }

  /** The request without what `authenticate` has read: it is not handed on. */
  withoutHeaders(request: WireRequest): WireRequest {
    const mine = new Set([...this.#username, ...this.#uid, ...this.#group]);
    const kept = Object.entries(request.headers).filter(
      ([name]) => !mine.has(name) && !this.#extra.some((prefix) => name.startsWith(prefix)),
    );
    const { method, url, body, peerCertificate, remoteAddress, upgrade } = request;
    return {
      method,
      url,
      headers: Object.fromEntries(kept),
      get signal() {
        return request.signal;
      },
      ...(body === undefined ? {} : { body }),
      ...(peerCertificate === undefined ? {} : { peerCertificate }),
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
      ...(upgrade === undefined ? {} : { upgrade }),
    };
  }
}

/** Percent escapes stand for what a header's name cannot hold; a broken one is taken as it is. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
