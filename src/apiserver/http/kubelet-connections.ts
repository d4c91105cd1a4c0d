/** Connections from the API server to kubelets and other proxied targets. */
import type { OutboundIdentity } from './outbound.ts';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ProxyTarget } from '../../machinery/wire.ts';

export interface KubeletCredentials {
  readonly certPem: string;
  readonly keyPem: string;
  /** PEM that kubelets' serving certificates are verified against; absent: not verified, as upstream without the flag. */
  readonly caPem?: string;
}

/** How long a connection that nobody uses is kept for the next request. */
const keepAliveMs = 30_000;

export class KubeletConnections {
  readonly #credentials: KubeletCredentials | undefined;
  readonly #frontProxy: OutboundIdentity | undefined;
  readonly #agents: { http?: HttpAgent; none?: HttpsAgent; kubelet?: HttpsAgent; frontProxy?: HttpsAgent } = {};

  constructor(credentials: KubeletCredentials | undefined, frontProxy?: OutboundIdentity) {
    this.#credentials = credentials;
    this.#frontProxy = frontProxy;
  }

  /** Begins the request; the caller writes the body and ends it. `upgrade`: on a connection of its own. */
  request(target: ProxyTarget, headers: Record<string, string | string[]>, upgrade: boolean): ClientRequest {
    const { connectTo } = target;
    const options = {
      method: target.method,
      headers: connectTo === undefined ? headers : { host: new URL(target.url).host, ...headers },
      ...(connectTo === undefined ? {} : { hostname: connectTo.host, port: connectTo.port }),
    };
    if (!target.url.startsWith('https:'))
      return httpRequest(target.url, { ...options, agent: upgrade ? false : this.#http() });
    if (upgrade) return httpsRequest(target.url, { ...options, ...this.#tls(target), agent: false });
    // The agent keeps connections of different peers apart by these options.
    const peer = target.trust === 'frontProxy' ? this.#tls(target) : {};
    return httpsRequest(target.url, { ...options, ...peer, agent: this.#https(target) });
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent?.destroy();
  }

  #tls(target: ProxyTarget) {
    if (target.trust === 'none') return { rejectUnauthorized: false };
    if (target.trust === 'frontProxy') {
      const { serverName, caPem, insecureSkipTLSVerify } = target;
      return {
        ...(this.#frontProxy && { cert: this.#frontProxy.certPem, key: this.#frontProxy.keyPem }),
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(caPem === undefined ? {} : { ca: caPem }),
        ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : {}),
      };
    }
    const { certPem, keyPem, caPem } = this.#credentials ?? {};
    return { cert: certPem, key: keyPem, ...(caPem === undefined ? { rejectUnauthorized: false } : { ca: caPem }) };
  }

  #http(): HttpAgent {
    this.#agents.http ??= new HttpAgent({ keepAlive: true, timeout: keepAliveMs });
    return this.#agents.http;
  }

  #https(target: ProxyTarget): HttpsAgent {
    this.#agents[target.trust] ??= new HttpsAgent({
      keepAlive: true,
      timeout: keepAliveMs,
      ...(target.trust === 'frontProxy' ? {} : this.#tls(target)),
    });
    return this.#agents[target.trust]!;
  }
}
