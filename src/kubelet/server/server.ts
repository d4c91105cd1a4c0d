/** The kubelet's own HTTPS server: what the API server proxies logs, exec, attach and port-forward to. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { KubeletAuthorizer } from './authorizer.ts';
import { serveLogs } from './logs.ts';
import { HttpError } from './http-error.ts';
import type { ServedPods } from './served-pods.ts';
import { serveStream } from './streams.ts';

export interface KubeletServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly certPem: string;
  readonly keyPem: string;
  /** PEM; clients' certificates are verified against it. */
  readonly clientCaPem: string;
}

export interface KubeletServerDeps {
  readonly pods: ServedPods;
  readonly runtime: RuntimeService;
  readonly authorizer: Pick<KubeletAuthorizer, 'check'>;
  /** Further documents by path: `/metrics`, `/stats/summary`, `/configz`. */
  readonly documents?: Readonly<Record<string, () => Promise<{ readonly type: string; readonly body: string }>>>;
  readonly log: (message: string) => void;
}

export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #deps: KubeletServerDeps;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor(options: KubeletServerOptions, deps: KubeletServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#server = createServer({
      cert: options.certPem,
      key: options.keyPem,
      ca: options.clientCaPem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    this.#server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (request, response) => void this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  start(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new Error(`kubelet: listening on ${address}:${port}: ${error.message}`, { cause: error })),
      );
      this.#server.listen({ host: address, port }, resolve);
    });
  }

  /** Ends open streams too. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'https://kubelet');
      await this.#authorize(request, url.pathname);
      await this.#serve(request, url, response);
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      if (!(error instanceof HttpError))
        this.#deps.log(`kubelet: ${request.method} ${request.url}: ${messageOf(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${messageOf(error)}\n`);
    }
  }

  async #serve(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const [, first = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const send = (type: string, body: string) => void response.writeHead(200, { 'content-type': type }).end(body);
    if (first === 'healthz' && rest.length === 0) return send('text/plain; charset=utf-8', 'ok');
    if (first === 'pods' || first === 'runningpods')
      return send(
        'application/json',
        JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#deps.pods.list() }),
      );
    if (first === 'containerLogs') return serveLogs(rest, url.searchParams, request, response, this.#deps.pods);
    if (first === 'exec' || first === 'attach' || first === 'portForward')
      throw new HttpError(400, 'Upgrade request required');
    const document = this.#deps.documents?.[url.pathname];
    if (!document) throw new HttpError(404, '404 page not found');
    const { type, body } = await document();
    send(type, body);
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A client that resets its connection is no news; what it asked for ends with it.
    socket.on('error', () => socket.destroy());
    try {
      const url = new URL(request.url ?? '/', 'https://kubelet');
      await this.#authorize(request, url.pathname);
      await serveStream(url, request, socket, head, this.#deps);
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      if (!(error instanceof HttpError)) this.#deps.log(`kubelet: ${request.url}: ${messageOf(error)}`);
      const body = `${messageOf(error)}\n`;
      if (socket.writable)
        socket.end(
          `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Error'}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        );
    }
  }

  async #authorize(request: IncomingMessage, path: string): Promise<void> {
    const access = await this.#deps.authorizer.check(request, path);
    if (access === 'unauthenticated') throw new HttpError(401, 'Unauthorized');
    if (access !== 'allowed') throw new HttpError(403, access.forbidden);
  }
}
