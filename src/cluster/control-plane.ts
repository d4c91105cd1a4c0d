/** The control plane in one process: store, API server with its listener, and what makes clients for the others. */
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiserver/server.ts';
import { statusResponse } from '../apiserver/filters/status-response.ts';
import { Listener, type ListenerOptions } from '../apiserver/http/listener.ts';
import { OutboundConnections, type OutboundIdentity } from '../apiserver/http/outbound.ts';
import { addProcessMetrics } from '../apiserver/http/process-metrics.ts';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { createDirectTransport } from '../client/direct/direct.ts';
import { createClient } from '../client/rest.ts';
import { newServiceUnavailable } from '../machinery/status/errors.ts';
import type { UserInfo } from '../machinery/wire.ts';
import type { JwtKeys } from '../pki/jwt-keys.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from './logger.ts';
import type { Stages } from './stages.ts';
import { kubernetesVersion } from './version.ts';

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly listener: Omit<ListenerOptions, 'onError'>;
  /** Named as upstream's flags; the port is the listener's. */
  readonly server: Omit<ApiServerOptions, 'securePort'>;
  /** Signs and verifies ServiceAccount tokens. */
  readonly tokenKeys: JwtKeys;
  /** Shown to aggregated API servers. */
  readonly frontProxy?: OutboundIdentity;
}

export interface ControlPlane {
  readonly server: ApiServer;
  /** The port that was bound. */
  readonly port: number;
  /** A client in this process, for a component that this process vouches for. */
  client(user: UserInfo, component: string): Client;
}

/** Users of the components, as their certificates would name them. */
export const componentUsers = {
  controllerManager: { username: 'system:kube-controller-manager', groups: ['system:authenticated'] },
  scheduler: { username: 'system:kube-scheduler', groups: ['system:authenticated'] },
  proxy: { username: 'system:kube-proxy', groups: ['system:authenticated'] },
  network: { username: 'skiff:network', groups: ['system:authenticated'] },
  localPath: { username: 'skiff:local-path', groups: ['system:authenticated'] },
  admin: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
  /** A controller's own, as with upstream's --use-service-account-credentials. */
  serviceAccount: (name: string): UserInfo => ({
    username: `system:serviceaccount:kube-system:${name}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  }),
  node: (name: string): UserInfo => ({
    username: `system:node:${name}`,
    groups: ['system:nodes', 'system:authenticated'],
  }),
} as const;

export async function startControlPlane(
  options: ControlPlaneOptions,
  stages: Stages,
  log: Logger,
): Promise<ControlPlane> {
  const onError = (error: unknown, what: string) => log.warn(`apiserver: ${what}: ${messageOf(error)}`);
  // The port is known only once it is bound, and the API server publishes it: so the listener starts first, and refuses
  // until the server behind it is there.
  let server: ApiServer | undefined;
  const listener = new Listener(
    { ...options.listener, ...(options.frontProxy && { frontProxy: options.frontProxy }), onError },
    async (request) =>
      server ? server.handler(request) : statusResponse(newServiceUnavailable('the server is starting')),
  );
  await stages.run(
    'listener',
    () =>
      listener.start().catch((error) => {
        throw listenError(error, options.listener);
      }),
    () => listener.stop(),
  );
  const outbound = new OutboundConnections(options.frontProxy);
  const made = createApiServer(
    { ...options.server, securePort: listener.port },
    {
      store: options.store,
      clock: realClock,
      random: secureRandom,
      tokenKeys: options.tokenKeys,
      outbound: outbound.call,
      platformMetrics: addProcessMetrics,
      onError,
    },
  );
  server = made;
  await stages.run(
    'apiserver caches',
    () => {},
    async () => {
      await made.stop();
      outbound.close();
    },
  );
  await stages.run('apiserver', () => made.start());
  return {
    server: made,
    port: listener.port,
    client: (user, component) =>
      createClient({
        transport: createDirectTransport({ handler: made.handler, user, clock: realClock }),
        clock: realClock,
        userAgent: `${component}/${kubernetesVersion}`,
      }),
  };
}

function listenError(error: unknown, options: ListenerOptions): Error {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${options.bindAddresses.join(' and ')}, port ${options.port}`;
  if (code === 'EADDRINUSE')
    return new Error(`--secure-port ${options.port} is in use (${where}); choose another, or 0 for any free one`, {
      cause: error,
    });
  if (code === 'EADDRNOTAVAIL')
    return new Error(`--bind-address: ${where} is no address of this host`, { cause: error });
  if (code === 'EACCES')
    return new Error(`--secure-port ${options.port}: not permitted; choose one above 1023`, { cause: error });
  return error instanceof Error ? error : new Error(messageOf(error));
}
