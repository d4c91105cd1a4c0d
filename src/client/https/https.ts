/**
 * The transport over TLS: HTTP/2 where the server speaks it, else HTTP/1.1; `http://` servers over HTTP/1.1.
 *
 * Connections are kept and reused, and made again when they break. A read that fails on a connection that had served
 * before, and got no answer, is sent once more: the server had closed it while idle. Writes are never sent twice.
 */
import * as tls from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from '../client.ts';
import { Credentials, type CredentialsOptions } from './credentials.ts';
import { Http1 } from './http1.ts';
import { Http2 } from './http2.ts';
import { type Protocol, StaleConnectionError } from './protocol.ts';

export interface HttpsTransportOptions extends CredentialsOptions {
  /** `https://10.0.0.1:6443`; a path is put before every request's. */
  readonly server: string;
  readonly clock: Clock;
  /** PEM. Absent: the platform's roots. */
  readonly ca?: string;
  /** PEM, of the client's certificate. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must hold; default: the host of `server`. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Until a connection stands. Default 30 s. */
  readonly connectTimeoutMs?: number;
}

export function createHttpsTransport(options: HttpsTransportOptions): Transport {
  return new HttpsTransport(options);
}

const defaultConnectTimeoutMs = 30_000;

class HttpsTransport implements Transport {
  readonly #options: HttpsTransportOptions;
  readonly #server: URL;
  readonly #pathPrefix: string;
  readonly #credentials: Credentials;
  #protocol: Protocol | undefined;
  #choosing: Promise<Protocol> | undefined;
  #closed = false;

  constructor(options: HttpsTransportOptions) {
    this.#options = options;
    this.#server = new URL(options.server);
    this.#pathPrefix = this.#server.pathname.replace(/\/$/, '');
    this.#credentials = new Credentials(options, options.clock);
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    if (this.#closed) throw new TransportError(`${request.method} ${request.url}: the client is closed`);
    request.signal?.throwIfAborted();
    const authorization = await this.#credentials.header();
    const headers: Record<string, string> = { ...request.headers, ...(authorization ? { authorization } : {}) };
    const prepared = { ...request, url: this.#pathPrefix + request.url, headers };
    let response: TransportResponse;
    try {
      response = await (await this.#choose()).request(prepared);
    } catch (error) {
      if (!(error instanceof StaleConnectionError) || (request.method !== 'GET' && request.method !== 'HEAD'))
        throw error;
      response = await (await this.#choose()).request(prepared);
    }
    if (response.status === 401) this.#credentials.refused();
    return response;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#protocol?.close();
  }

  /** The protocol, found out by the first connection (ALPN). */
  async #choose(): Promise<Protocol> {
    if (this.#protocol) return this.#protocol;
    this.#choosing ??= this.#negotiate().finally(() => {
      this.#choosing = undefined;
    });
    return this.#choosing;
  }

  async #negotiate(): Promise<Protocol> {
    const { clock } = this.#options;
    if (this.#server.protocol === 'http:') {
      this.#protocol = new Http1(this.#server, {});
      return this.#protocol;
    }
    const socket = await this.#connect();
    if (socket.alpnProtocol === 'h2')
      this.#protocol = new Http2(this.#server.host, clock, socket, () => this.#connect());
    else {
      socket.destroy();
      this.#protocol = new Http1(this.#server, this.#tlsOptions());
    }
    if (this.#closed) this.#protocol.close();
    return this.#protocol;
  }

  #tlsOptions(): tls.ConnectionOptions {
    const { ca, cert, key, tlsServerName, insecureSkipTlsVerify } = this.#options;
    const host = this.#server.hostname.replace(/^\[|\]$/g, '');
    // An IP address is no server name (RFC 6066); the certificate is still checked against it.
    const servername = tlsServerName ?? (isIp(host) ? undefined : host);
    return {
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
      ...(servername ? { servername } : {}),
      rejectUnauthorized: !insecureSkipTlsVerify,
    };
  }

  #connect(): Promise<tls.TLSSocket> {
    const { clock, connectTimeoutMs = defaultConnectTimeoutMs } = this.#options;
    const host = this.#server.hostname.replace(/^\[|\]$/g, '');
    const port = Number(this.#server.port || 443);
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ ...this.#tlsOptions(), host, port, ALPNProtocols: ['h2', 'http/1.1'] });
      socket.setNoDelay(true);
      const timer = clock.after(
        connectTimeoutMs,
        () => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
        'client: connect',
      );
      socket.once('secureConnect', () => {
        timer.cancel();
        socket.removeListener('error', onError);
        resolve(socket);
      });
      const onError = (cause: Error) => {
        timer.cancel();
        reject(new TransportError(`connecting to ${this.#server.host}: ${messageOf(cause)}`, { cause }));
      };
      socket.once('error', onError);
    });
  }
}

const isIp = (host: string) => host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
