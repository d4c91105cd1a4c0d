/**
 * ServiceAccount tokens (upstream: pkg/serviceaccount): claims of a new one, and whom a presented one proves. A token is
 * good while its signature, times and audience are, and while the objects it is bound to still exist with their UIDs.
 */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { Lookup } from '../registry/registry.ts';
import type { Claims, TokenKeys } from './token-keys.ts';
import { serviceAccountGroups, serviceAccountUsername } from './users.ts';

/** An object by name and UID, as claims carry it. */
export interface BoundRef {
  readonly name: string;
  readonly uid: string;
}

export interface PrivateClaims {
  readonly namespace: string;
  readonly serviceaccount: BoundRef;
  readonly pod?: BoundRef;
  readonly secret?: BoundRef;
  readonly node?: BoundRef;
  /** Seconds; set on tokens that outlive what was asked for. */
  readonly warnafter?: number;
}

export interface TokenAuthenticatorOptions {
  readonly issuer: string;
  /** The server's own; a token must be for one of them. */
  readonly audiences: readonly string[];
}

/** What a token proved, or why it proves nothing. */
export type TokenResult =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly error: string };

/** A signed token is verified once; its bound objects are looked at each time. Oldest forgotten first. */
const maxCachedTokens = 4096;

export class ServiceAccountTokenAuthenticator {
  readonly #options: TokenAuthenticatorOptions;
  readonly #keys: TokenKeys;
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #verified = new Map<string, Claims>();

  constructor(
    options: TokenAuthenticatorOptions,
    dependencies: { readonly keys: TokenKeys; readonly clock: Clock; readonly lookup: Lookup },
  ) {
    this.#options = options;
    this.#keys = dependencies.keys;
    this.#clock = dependencies.clock;
    this.#lookup = dependencies.lookup;
  }

  /** Undefined when the token is none of ours (another issuer, no JWT). `audiences`: those that will do. */
  async authenticate(token: string, audiences = this.#options.audiences): Promise<TokenResult | undefined> {
    let claims = this.#verified.get(token);
    if (claims === undefined) {
      if (unverifiedIssuer(token) !== this.#options.issuer) return undefined;
      try {
        claims = await this.#keys.verify(token);
      } catch (error) {
        return { error: messageOf(error) };
      }
      if (claims === undefined) return { error: 'invalid bearer token' };
      if (this.#verified.size >= maxCachedTokens) this.#verified.delete(this.#verified.keys().next().value!);
      this.#verified.set(token, claims);
    }
    return this.#judge(claims, audiences);
  }

  #judge(claims: Claims, audiences: readonly string[]): TokenResult {
    const nowSeconds = this.#clock.now() / 1000;
    if (typeof claims.exp === 'number' && nowSeconds > claims.exp)
      return { error: 'service account token has expired' };
    if (typeof claims.nbf === 'number' && nowSeconds < claims.nbf - 60)
      return { error: 'service account token is not valid yet' };
    const aud = typeof claims.aud === 'string' ? [claims.aud] : ((claims.aud as string[] | undefined) ?? []);
    const common = audiences.filter((audience) => aud.includes(audience));
    if (common.length === 0)
      return {
        error: `token audiences ${JSON.stringify(aud)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
      };
    const bound = claims['kubernetes.io'] as PrivateClaims | undefined;
    if (bound?.serviceaccount === undefined) return { error: 'service account token claims could not be validated' };
    const stale = this.#staleReference(bound);
    if (stale !== undefined) return { error: stale };
    return { user: userOf(bound, claims), audiences: common };
  }

  /** Why the bound objects no longer carry the token. */
  #staleReference(bound: PrivateClaims): string | undefined {
    const { namespace } = bound;
    const nowMs = this.#clock.now();
    const check = (what: string, resource: string, ns: string, ref: BoundRef | undefined): string | undefined => {
      if (ref === undefined) return undefined;
      const object = this.#lookup.get<KubeObject>('', resource, ns, ref.name);
      if (object === undefined) return `${what} "${ref.name}" not found`;
      if (object.metadata.uid !== ref.uid)
        return `${what} UID (${object.metadata.uid}) does not match claim (${ref.uid})`;
      // Upstream leaves a token 60 s after its object's deletion time has passed.
      const deleted = object.metadata.deletionTimestamp;
      return deleted !== undefined && Date.parse(deleted) + 60_000 < nowMs ? `${what} has been deleted` : undefined;
    };
    return (
      check('service account', 'serviceaccounts', namespace, bound.serviceaccount) ??
      check('secret', 'secrets', namespace, bound.secret) ??
      check('pod', 'pods', namespace, bound.pod) ??
      (bound.pod === undefined ? check('node', 'nodes', '', bound.node) : undefined)
    );
  }
}

/** The `iss` of a JWT before anything is believed: tells whose it is. */
function unverifiedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const text = atob(parts[1]!.replaceAll('-', '+').replaceAll('_', '/'));
    return (JSON.parse(text) as { iss?: string }).iss;
  } catch {
    return undefined;
  }
}

function userOf(bound: PrivateClaims, claims: Claims): UserInfo {
  const extra: Record<string, string[]> = {};
  if (typeof claims.jti === 'string' && claims.jti !== '')
    extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
  if (bound.node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [bound.node.name];
    if (bound.node.uid !== '') extra['authentication.kubernetes.io/node-uid'] = [bound.node.uid];
  }
  if (bound.pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [bound.pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [bound.pod.uid];
  }
  return {
    username: serviceAccountUsername(bound.namespace, bound.serviceaccount.name),
    uid: bound.serviceaccount.uid,
    groups: serviceAccountGroups(bound.namespace),
    extra,
  };
}
