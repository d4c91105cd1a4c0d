/**
 * healthCheckNodePort: at that port of each node a load balancer asks whether the node has endpoints of the Service
 * (externalTrafficPolicy: Local), and sends nothing to nodes that say 503.
 */
import { createServer, type Server } from 'node:http';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Ready ones of this node. */
  readonly localEndpoints: number;
}

/** Pure: the check that a Service asks for; undefined: none. */
export function healthCheckOf(service: DeepReadonly<Service>, localEndpoints: number): HealthCheck | undefined {
  const { spec, metadata } = service;
  const port = spec?.healthCheckNodePort;
  if (!port || spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return undefined;
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '', port, localEndpoints };
}

/** Pure: upstream's answer. */
export function healthCheckAnswer({ namespace, name, localEndpoints }: HealthCheck, proxyHealthy: boolean) {
  return {
    code: localEndpoints > 0 && proxyHealthy ? 200 : 503,
    headers: {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    },
    body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: proxyHealthy }),
  };
}

export class HealthCheckPorts {
  readonly #healthy: () => boolean;
  readonly #log: (message: string) => void;
  readonly #addresses: () => readonly string[] | undefined;
  readonly #checks = new Map<string, HealthCheck>();
  readonly #servers = new Map<string, { readonly port: number; readonly servers: readonly Server[] }>();

  /** `addresses`: where node ports answer; undefined: everywhere. */
  constructor(healthy: () => boolean, addresses: () => readonly string[] | undefined, log: (message: string) => void) {
    this.#healthy = healthy;
    this.#addresses = addresses;
    this.#log = log;
  }

  /** Takes the check of a Service as it is now; undefined: none any more. */
  set(key: string, check: HealthCheck | undefined): void {
    const open = this.#servers.get(key);
    if (open && open.port !== check?.port) {
      for (const server of open.servers) close(server);
      this.#servers.delete(key);
    }
    if (!check) {
      this.#checks.delete(key);
      return;
    }
    this.#checks.set(key, check);
    if (!this.#servers.has(key)) this.#open(key, check.port);
  }

  stop(): void {
    for (const key of [...this.#checks.keys()]) this.set(key, undefined);
  }

  #open(key: string, port: number): void {
    const hosts = this.#addresses() ?? ['::'];
    const servers = hosts.map((host) => {
      const server = createServer((_, response) => {
        const check = this.#checks.get(key);
        if (!check) return void response.writeHead(404).end();
        const { code, headers, body } = healthCheckAnswer(check, this.#healthy());
        response.writeHead(code, headers).end(body);
      });
      server.on('error', (error) => this.#log(`health check of service ${key} on port ${port}: ${messageOf(error)}`));
      return server.listen({ host, port });
    });
    this.#servers.set(key, { port, servers });
  }
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
