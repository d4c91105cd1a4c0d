import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { Pod } from '../types.ts';

/** Tokens of a pod's ServiceAccount, bound to the pod: no longer valid once it is gone. */
export interface TokenSource {
  token(pod: Pod, audience: string, expirationSeconds: number): Promise<string>;
}

interface Cached {
  readonly token: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

/** Renewed when four fifths of their time have passed, and daily at the latest (upstream's token manager). */
const renewAfterPart = 0.8;
const maxAgeMs = 24 * 3600 * 1000;

export class TokenManager implements TokenSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #cache = new Map<string, Cached>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: Pod, audience: string, expirationSeconds: number): Promise<string> {
    const key = `${pod.metadata.uid}/${pod.spec?.serviceAccountName}/${audience}/${expirationSeconds}`;
    const cached = this.#cache.get(key);
    const nowMs = this.#clock.now();
    if (cached && !needsRenewal(cached, nowMs)) return cached.token;
    try {
      const fresh = await this.#request(pod, audience, expirationSeconds);
      this.#cache.set(key, fresh);
      return fresh.token;
    } catch (error) {
      // Still good for a while: a server that is away for a moment fails no pod.
      if (cached && nowMs < cached.expiresMs) return cached.token;
      throw error;
    }
  }

  forget(uid: string): void {
    for (const key of this.#cache.keys()) if (key.startsWith(`${uid}/`)) this.#cache.delete(key);
  }

  async #request(pod: Pod, audience: string, expirationSeconds: number): Promise<Cached> {
    const { name, namespace, uid } = pod.metadata;
    const account = pod.spec?.serviceAccountName || 'default';
    const accounts = this.#client.resource({ group: '', version: 'v1', resource: 'serviceaccounts' });
    const answer = await accounts.namespace(namespace).create<TokenAnswer>(
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: account, namespace },
        spec: {
          audiences: audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      { name: account, subresource: 'token' },
    );
    const { token, expirationTimestamp } = answer.status;
    return { token, issuedMs: this.#clock.now(), expiresMs: Date.parse(expirationTimestamp) };
  }
}

function needsRenewal({ issuedMs, expiresMs }: Cached, nowMs: number): boolean {
  const lifeMs = expiresMs - issuedMs;
  return nowMs > issuedMs + Math.min(lifeMs * renewAfterPart, maxAgeMs);
}
