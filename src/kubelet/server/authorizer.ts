/**
 * Who may ask the kubelet: clients with a certificate of the cluster's CA or a token that the API server knows, as far as
 * RBAC lets them use the node's sub-resources (upstream: kubelet authentication and authorization by webhook).
 */
import type { TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { certificateUser } from '../../client/https/certificate-user.ts';
import { anonymousUser, Reviews } from '../../client/reviews.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { EffectiveConfiguration } from '../config/defaults.ts';
import { msOf } from '../config/validate.ts';

export type AuthorizerSettings = Pick<EffectiveConfiguration, 'authentication' | 'authorization'>;

export type Access = 'allowed' | 'unauthenticated' | { readonly forbidden: string };

export class KubeletAuthorizer {
  readonly #nodeName: string;
  readonly #settings: AuthorizerSettings;
  readonly #reviews: Reviews;

  constructor(client: Client, clock: Clock, nodeName: string, settings: AuthorizerSettings) {
    this.#nodeName = nodeName;
    this.#settings = settings;
    const { cacheAuthorizedTTL, cacheUnauthorizedTTL } = settings.authorization.webhook;
    this.#reviews = new Reviews(client, clock, {
      tokenMs: msOf(settings.authentication.webhook.cacheTTL),
      allowedMs: msOf(cacheAuthorizedTTL),
      deniedMs: msOf(cacheUnauthorizedTTL),
    });
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

  #mayUse(user: UserInfo, verb: string, subresource: string): Promise<boolean> {
    const name = this.#nodeName;
    return this.#reviews.may(user, {
      resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name },
    });
  }

  /** A request that bears a token which nobody knows is no anonymous one. */
  async #otherUser(header: string | undefined): Promise<UserInfo | undefined> {
    const { anonymous, webhook } = this.#settings.authentication;
    if (header !== undefined) return webhook.enabled ? this.#reviews.userOf(header) : undefined;
    return anonymous.enabled ? anonymousUser : undefined;
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
