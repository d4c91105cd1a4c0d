/**
 * Who may ask the kubelet: clients with a certificate of the cluster's CA or a token that the API server knows, as far as
 * RBAC lets them use the node's sub-resources (upstream: kubelet authentication and authorization by webhook).
 */
import type { TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import type { SubjectAccessReview } from '../../apis/generated/types/authorization.k8s.io/v1.ts';
import type { TokenReview } from '../../apis/generated/types/authentication.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { EffectiveConfiguration } from '../config/defaults.ts';
import { msOf } from '../config/validate.ts';

/** Entries past this: the oldest goes. */
const mostCached = 1000;

export type AuthorizerSettings = Pick<EffectiveConfiguration, 'authentication' | 'authorization'>;

export type Access = 'allowed' | 'unauthenticated' | { readonly forbidden: string };

export class KubeletAuthorizer {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #nodeName: string;
  readonly #settings: AuthorizerSettings;
  readonly #decisions = new Cache<boolean>();
  readonly #tokens = new Cache<UserInfo | undefined>();

  constructor(client: Client, clock: Clock, nodeName: string, settings: AuthorizerSettings) {
    this.#client = client;
    this.#clock = clock;
    this.#nodeName = nodeName;
    this.#settings = settings;
  }

  /** Rejects when the API server cannot be asked. */
  async check(request: IncomingMessage, path: string): Promise<Access> {
    const user = certificateUser(request.socket as TLSSocket) ?? (await this.#otherUser(request.headers.authorization));
    if (!user) return 'unauthenticated';
    if (this.#settings.authorization.mode === 'AlwaysAllow') return 'allowed';
    if (user.groups.includes('system:masters')) return 'allowed';
    const verb = verbs[request.method ?? 'GET'] ?? 'get';
    const subresources = subresourcesOf(path);
    // In turn: whoever has the finer right needs no `nodes/proxy`, which is as good as root on the node.
    for (const subresource of subresources) if (await this.#mayUse(user, verb, subresource)) return 'allowed';
    return {
      forbidden: `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`,
    };
  }

  async #mayUse(user: UserInfo, verb: string, subresource: string): Promise<boolean> {
    const key = JSON.stringify([user.username, user.groups, verb, subresource]);
    const known = this.#decisions.get(key, this.#clock.now());
    if (known) return known.value;
    const review = await this.#client
      .resource<SubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' })
      .create<SubjectAccessReview>({
        metadata: {},
        spec: {
          user: user.username,
          groups: [...user.groups],
          ...(user.uid ? { uid: user.uid } : {}),
          resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name: this.#nodeName },
        },
      });
    const allowed = review.status?.allowed ?? false;
    const { cacheAuthorizedTTL, cacheUnauthorizedTTL } = this.#settings.authorization.webhook;
    this.#decisions.set(key, allowed, this.#clock.now() + msOf(allowed ? cacheAuthorizedTTL : cacheUnauthorizedTTL));
    return allowed;
  }

  /** A request that bears a token which nobody knows is no anonymous one. */
  async #otherUser(header: string | undefined): Promise<UserInfo | undefined> {
    const { anonymous, webhook } = this.#settings.authentication;
    if (header !== undefined) return webhook.enabled ? this.#tokenUser(header) : undefined;
    return anonymous.enabled ? anonymousUser : undefined;
  }

  async #tokenUser(header: string | undefined): Promise<UserInfo | undefined> {
    const token = /^Bearer (\S+)$/i.exec(header ?? '')?.[1];
    if (!token) return undefined;
    const known = this.#tokens.get(token, this.#clock.now());
    if (known) return known.value;
    const review = await this.#client
      .resource<TokenReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' })
      .create<TokenReview>({ metadata: {}, spec: { token } });
    const found = review.status?.authenticated ? review.status.user : undefined;
    const user = found?.username
      ? { username: found.username, groups: found.groups ?? [], ...(found.uid ? { uid: found.uid } : {}) }
      : undefined;
    this.#tokens.set(token, user, this.#clock.now() + msOf(this.#settings.authentication.webhook.cacheTTL));
    return user;
  }
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * Upstream's mapping of paths to sub-resources of nodes (KubeletFineGrainedAuthz); any one of them is enough. Whatever has
 * none of its own needs `nodes/proxy`.
 */
const subresourcesByPath: Readonly<Record<string, readonly string[]>> = {
  stats: ['stats'],
  metrics: ['metrics'],
  logs: ['log'],
  checkpoint: ['checkpoint'],
  statusz: ['statusz'],
  pods: ['pods', 'proxy'],
  runningpods: ['pods', 'proxy'],
  healthz: ['healthz', 'proxy'],
  configz: ['configz', 'proxy'],
  flagz: ['configz'],
};

export function subresourcesOf(path: string): readonly string[] {
  const first = path.split('/')[1] ?? '';
  return Object.hasOwn(subresourcesByPath, first) ? subresourcesByPath[first]! : ['proxy'];
}

const anonymousUser: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (!subject?.CN) return undefined;
  const organizations = subject.O as string | string[] | undefined;
  const groups = organizations === undefined ? [] : Array.isArray(organizations) ? organizations : [organizations];
  return { username: String(subject.CN), groups: [...groups, 'system:authenticated'] };
}

class Cache<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();

  get(key: string, nowMs: number): { readonly value: T } | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.untilMs > nowMs ? entry : undefined;
  }

  set(key: string, value: T, untilMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= mostCached) this.#entries.delete(this.#entries.keys().next().value as string);
    this.#entries.set(key, { value, untilMs });
  }
}
