/** The proxy's two ports: health for whoever sends traffic here, metrics for whoever watches. */
import { createServer, type Server } from 'node:http';
import { isIPv6 } from 'node:net';
import type { ProxyHealth } from './health.ts';
import type { ProxyMetrics } from './metrics.ts';

/** `0.0.0.0:10256`, `[::]:10256`; '' is none. Throws for anything else. */
export function parseBindAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  if (text === '') return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535 || (match[1] && !isIPv6(match[1]))) throw new Error(`'${text}' is no ADDRESS:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}

const listen = (server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<Server> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...(host && { host }), port }, () => resolve(server));
  });

export function stopServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** /healthz and /livez. Rejects when the address is taken. */
export function serveHealth(
  health: ProxyHealth,
  metrics: ProxyMetrics,
  at: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/healthz' && path !== '/livez') return void response.writeHead(404).end();
    const { healthy, body } = health.answer(path === '/healthz' ? 'healthz' : 'livez');
    const code = healthy ? 200 : 503;
    (path === '/healthz' ? metrics.healthz : metrics.livez).inc([String(code)]);
    const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' };
    response.writeHead(code, headers).end(body);
  });
  return listen(server, at);
}

/** /metrics, /healthz, /proxyMode, /configz. Rejects when the address is taken. */
export function serveMetrics(
  metrics: ProxyMetrics,
  configuration: object,
  at: { readonly host: string; readonly port: number },
): Promise<Server> {
  const pages: Readonly<Record<string, () => [string, string]>> = {
    '/metrics': () => ['text/plain; version=0.0.4; charset=utf-8', metrics.registry.text()],
    '/healthz': () => ['text/plain; charset=utf-8', 'ok'],
    '/proxyMode': () => ['text/plain; charset=utf-8', 'nftables'],
    '/configz': () => ['application/json', JSON.stringify({ 'kubeproxy.config.k8s.io': configuration })],
  };
  const server = createServer((request, response) => {
    const page = pages[request.url?.split('?')[0] ?? ''];
    if (!page) return void response.writeHead(404).end();
    const [type, body] = page();
    response.writeHead(200, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
  });
  return listen(server, at);
}
