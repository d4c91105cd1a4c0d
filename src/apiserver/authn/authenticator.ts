/**
 * Who asks: the user that a front proxy names, the connection's client certificate, a bearer token (static, then
 * ServiceAccount), or nobody. The direct transport's users come authenticated by their composition root.
 */
import { newUnauthorized } from '../../machinery/status/errors.ts';
import type { UserInfo, WireRequest } from '../../machinery/wire.ts';
import type { RequestHeaderAuthenticator } from './request-header.ts';
import type { ServiceAccountTokenAuthenticator, TokenResult } from './service-account-tokens.ts';
import { anonymousUser, withAuthenticatedGroup } from './users.ts';

export interface AuthenticatorOptions {
  readonly anonymousAuth: boolean;
  readonly staticTokens: ReadonlyMap<string, UserInfo>;
  readonly serviceAccounts?: ServiceAccountTokenAuthenticator;
  readonly requestHeaders?: RequestHeaderAuthenticator;
  readonly apiAudiences: readonly string[];
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** One UserInfo a connection's certificate, so that nothing is made anew for each of its requests. */
  readonly #ofCertificate = new WeakMap<object, UserInfo>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Throws a StatusError 401 when credentials are wrong, or absent where anonymous requests are off. */
  authenticate(request: WireRequest): UserInfo | Promise<UserInfo> {
    if (request.user !== undefined) return withAuthenticatedGroup(request.user);
    if (request.frontProxy !== undefined) {
      const named = this.#options.requestHeaders?.authenticate(request);
      if (named !== undefined) return withAuthenticatedGroup(named);
    }
    if (request.peerCertificate !== undefined) return this.#certificateUser(request.peerCertificate);
    const token = bearerToken(request);
    if (token !== undefined) return this.#tokenUser(token);
    // A certificate was shown, and it proves nothing.
    if (request.frontProxy !== undefined) throw newUnauthorized('Unauthorized');
    if (!this.#options.anonymousAuth) throw newUnauthorized('Unauthorized');
    return anonymousUser;
  }

  /** The request as it is handed on: without the headers by which a front proxy has named the user. */
  withoutCredentials(request: WireRequest): WireRequest {
    if (request.frontProxy === undefined) return request;
    return this.#options.requestHeaders?.withoutHeaders(request) ?? request;
  }

  /** Whom a token proves, for TokenReview and for ourselves. */
  async authenticateToken(
    token: string,
    audiences: readonly string[] = this.#options.apiAudiences,
  ): Promise<TokenResult> {
    const known = this.#options.staticTokens.get(token);
    if (known !== undefined) return { user: known, audiences };
    return (await this.#options.serviceAccounts?.authenticate(token, audiences)) ?? { error: 'invalid bearer token' };
  }

  async #tokenUser(token: string): Promise<UserInfo> {
    const result = await this.authenticateToken(token);
    if ('error' in result) throw newUnauthorized('Unauthorized');
    return withAuthenticatedGroup(result.user);
  }

  #certificateUser(certificate: NonNullable<WireRequest['peerCertificate']>): UserInfo {
    let user = this.#ofCertificate.get(certificate);
    if (user === undefined) {
      const { commonName: username, organizations: groups, credentialId } = certificate;
      const extra = credentialId === undefined ? {} : { extra: { [credentialIdKey]: [credentialId] } };
      user = withAuthenticatedGroup({ username, groups, ...extra });
      this.#ofCertificate.set(certificate, user);
    }
    return user;
  }
}

const credentialIdKey = 'authentication.kubernetes.io/credential-id';
const webSocketTokenPrefix = 'base64url.bearer.authorization.k8s.io.';

/** From `Authorization: Bearer`, or from the sub-protocols of a browser's WebSocket. */
function bearerToken(request: WireRequest): string | undefined {
  const authorization = request.headers.authorization;
  if (authorization !== undefined) {
    const match = /^bearer +(\S+)\s*$/i.exec(authorization);
    return match?.[1];
  }
  const protocols = request.headers['sec-websocket-protocol'];
  const encoded = protocols
    ?.split(',')
    .map((p) => p.trim())
    .find((p) => p.startsWith(webSocketTokenPrefix))
    ?.slice(webSocketTokenPrefix.length);
  if (encoded === undefined) return undefined;
  try {
    return atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw newUnauthorized('Unauthorized');
  }
}
