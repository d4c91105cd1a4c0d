import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `/healthz` in plain HTTP, without asking who wants to know (healthzBindAddress, healthzPort). */
export class HealthzServer {
  readonly #options: { readonly address: string; readonly port: number };
  readonly #server: Server;

  constructor(options: { readonly address: string; readonly port: number }) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://kubelet');
      const isKnown = ['/healthz', '/healthz/ping', '/healthz/log'].includes(pathname);
      response
        .writeHead(isKnown ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' })
        .end(isKnown ? 'ok' : '404 page not found\n');
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  /** Rejects when the port cannot be had. */
  start(): Promise<void> {
    const { address: host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, resolve);
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
