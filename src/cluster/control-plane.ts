/** The control plane in one process: store, API server with its listener, and what makes clients for the others. */
import { createApiServer, type ApiServer } from '../apiserver/server.ts';
import { statusResponse } from '../apiserver/filters/status-response.ts';
import { Listener } from '../apiserver/http/listener.ts';
import { addProcessMetrics } from '../apiserver/http/process-metrics.ts';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { createDirectTransport } from '../client/direct/direct.ts';
import { createClient } from '../client/rest.ts';
import { newServiceUnavailable } from '../machinery/status/errors.ts';
import type { UserInfo } from '../machinery/wire.ts';
import type { ClusterPki } from '../pki/cluster-pki.ts';
import { JwtKeys } from '../pki/jwt-keys.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from './logger.ts';
import type { Stages } from './stages.ts';
import { kubernetesVersion } from './version.ts';

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly pki: ClusterPki;
  readonly bindAddresses: readonly string[];
  readonly securePort: number;
  /** Where the `kubernetes` Service leads to. */
  readonly advertiseAddress: string;
  readonly serviceCidr: string;
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
  const { pki } = options;
  const onError = (error: unknown, what: string) => log.warn(`apiserver: ${what}: ${messageOf(error)}`);
  // The port is known only once it is bound, and the API server publishes it: so the listener starts first, and refuses
  // until the server behind it is there.
  let server: ApiServer | undefined;
  const listener = new Listener(
    {
      bindAddresses: options.bindAddresses,
      port: options.securePort,
      certPem: pki.apiserver.certPem,
      keyPem: pki.apiserver.keyPem,
      clientCaPem: pki.ca.certPem,
      kubelet: { ...pki.apiserverKubeletClient, caPem: pki.ca.certPem },
      onError,
    },
    async (request) =>
      server ? server.handler(request) : statusResponse(newServiceUnavailable('the server is starting')),
  );
  await stages.run(
    'listener',
    () =>
      listener.start().catch((error) => {
        throw listenError(error, options);
      }),
    () => listener.stop(),
  );
  const made = createApiServer(
    {
      advertiseAddress: options.advertiseAddress,
      securePort: listener.port,
      serviceClusterIPRange: options.serviceCidr,
      clientCAFile: pki.ca.certPem,
      requestheaderClientCAFile: pki.frontProxyCa.certPem,
    },
    {
      store: options.store,
      clock: realClock,
      random: secureRandom,
      tokenKeys: new JwtKeys({ privateKey: () => pki.serviceAccountKey.privatePem }),
      platformMetrics: addProcessMetrics,
      onError,
    },
  );
  server = made;
  await stages.run(
    'apiserver caches',
    () => {},
    () => made.stop(),
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

function listenError(error: unknown, options: ControlPlaneOptions): Error {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${options.bindAddresses.join(' and ')}, port ${options.securePort}`;
  if (code === 'EADDRINUSE')
    return new Error(
      `--secure-port ${options.securePort} is in use (${where}); choose another, or 0 for any free one`,
      { cause: error },
    );
  if (code === 'EADDRNOTAVAIL')
    return new Error(`--bind-address: ${where} is no address of this host`, { cause: error });
  if (code === 'EACCES')
    return new Error(`--secure-port ${options.securePort}: not permitted; choose one above 1023`, { cause: error });
  return error instanceof Error ? error : new Error(messageOf(error));
}
