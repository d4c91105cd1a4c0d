/** A whole cluster from options: control plane, controllers, scheduler, nodes, DNS; stage after stage. */
import { hostname } from 'node:os';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import { InformerFactory } from '../client/informers.ts';
import { createControllerManager } from '../controllers/manager.ts';
import { EventBroadcaster } from '../client/events.ts';
import { gatewayAddress, setUpNodeNetwork } from '../network/node/setup.ts';
import { formatCidr, parseCidr } from '../network/cidr.ts';
import type { CertificateAuthority } from '../pki/certificate.ts';
import { JwtKeys } from '../pki/jwt-keys.ts';
import { kubeconfigText } from '../pki/kubeconfig.ts';
import { ensureClusterPki } from '../pki/pki-files.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { SocketPathError, serveSchedulerDebug } from './scheduler-debug.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { openLmdbStore } from '../store/lmdb/lmdb-store.ts';
import { nodePorts, startCloud } from './cloud.ts';
import type { DataDir } from './data-dir.ts';
import { componentUsers, startControlPlane, type ControlPlane } from './control-plane.ts';
import { hostAddress } from './host-address.ts';
import type { Logger } from './logger.ts';
import { whenReady } from './readiness.ts';
import type { Stages } from './stages.ts';
import type { UpOptions } from './commands/up-options.ts';

export interface RunningCluster {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly adminKubeconfig: string;
  whenReady(signal: AbortSignal): Promise<void>;
}

/** What the parts of a cluster share. */
export interface ClusterContext {
  readonly options: UpOptions;
  readonly dir: DataDir;
  readonly controlPlane: ControlPlane;
  readonly stages: Stages;
  readonly log: Logger;
  readonly nodeIp: string;
  /** Where the API server is reached from outside this process and host. */
  readonly advertiseAddress: string;
}

const loopback = '127.0.0.1';

/** Resolves once everything is started; what is started can be undone by the stages from then on. */
export async function startCluster(
  options: UpOptions,
  dir: DataDir,
  stages: Stages,
  log: Logger,
): Promise<RunningCluster> {
  const nodeIp = await internalAddress(options, dir, stages);
  const store = await stages.run(
    'store',
    () => openStore(options, dir),
    (opened) => opened.close(),
  );
  const bindAddresses = options.bindAddress ? [options.bindAddress] : bindableAddresses(options, nodeIp);
  const pki = await stages.run('certificates', () =>
    ensureClusterPki(dir.pki, {
      nowMs: Date.now(),
      sans: [...new Set([...bindAddresses, nodeIp, firstAddress(options.serviceCidr)])],
    }),
  );
  const advertiseAddress = reachableAddress(options, nodeIp);
  const controlPlane = await startControlPlane(
    {
      store,
      listener: {
        bindAddresses,
        port: options.securePort,
        certPem: pki.apiserver.certPem,
        keyPem: pki.apiserver.keyPem,
        clientCaPem: pki.ca.certPem,
        requestheaderClientCaPem: pki.frontProxyCa.certPem,
        kubelet: { ...pki.apiserverKubeletClient, caPem: pki.ca.certPem },
      },
      server: {
        advertiseAddress,
        serviceClusterIPRange: options.serviceCidr,
        clientCAFile: pki.ca.certPem,
        requestheaderClientCAFile: pki.frontProxyCa.certPem,
        hostname: hostname(),
      },
      tokenKeys: new JwtKeys({ privateKey: () => pki.serviceAccountKey.privatePem }),
      frontProxy: pki.frontProxyClient,
    },
    stages,
    log,
  );
  await startControllers(controlPlane, options, dir, pki.ca, stages, log);
  await startCloud(
    controlPlane.client(componentUsers.admin, 'cloud-controller-manager'),
    {
      ...(options.loadBalancerPool && { loadBalancerPool: options.loadBalancerPool }),
      reservedPorts: [...nodePorts, controlPlane.port],
    },
    stages,
    log,
  );

  const context: ClusterContext = { options, dir, controlPlane, stages, log, nodeIp, advertiseAddress };
  // Loaded as they are needed: each brings much that the other has no use for.
  if (options.runtime === 'hollow') await (await import('./hollow-nodes.ts')).startHollowNodes(context);
  else await (await import('./container-nodes.ts')).startContainerNodes(context, pki);

  const server = `https://${bindAddresses.includes(loopback) ? loopback : bindAddresses[0]}:${controlPlane.port}`;
  return {
    server,
    adminKubeconfig: kubeconfigText({
      server,
      caPem: pki.ca.certPem,
      userName: 'kubernetes-admin',
      credentials: pki.client('super-admin'),
    }),
    async whenReady(signal) {
      const informers = new InformerFactory({
        client: controlPlane.client(componentUsers.admin, 'skiff-up'),
        clock: realClock,
        random: secureRandom,
      });
      try {
        await whenReady(informers, options.nodes, signal);
      } finally {
        await informers.stop();
      }
    },
  };
}

function openStore(options: UpOptions, dir: DataDir): Store | Promise<Store> {
  if (options.store === 'memory') return createMemoryStore({ clock: realClock });
  return openLmdbStore({ dir: dir.store, clock: realClock });
}

async function startControllers(
  controlPlane: ControlPlane,
  options: UpOptions,
  dir: DataDir,
  ca: CertificateAuthority,
  stages: Stages,
  log: Logger,
): Promise<void> {
  const manager = createControllerManager({
    client: controlPlane.client(componentUsers.controllerManager, 'kube-controller-manager'),
    clientFor: (name) => controlPlane.client(componentUsers.serviceAccount(name), 'kube-controller-manager'),
    clock: realClock,
    random: secureRandom,
    settings: {
      clusterCidr: options.podNetworkCidr,
      rootCa: ca.certPem,
      certificateSigning: { authority: ca },
    },
    onError: (controller, error, key) => log.warn(`${controller}: ${key ?? ''}: ${messageOf(error)}`),
  });
  await stages.run(
    'controllers',
    () => manager.start(),
    () => manager.stop(),
  );
  const client = controlPlane.client(componentUsers.scheduler, 'kube-scheduler');
  const events = new EventBroadcaster({
    client,
    clock: realClock,
    onError: (error) => log.warn(`events: ${messageOf(error)}`),
  });
  await stages.run(
    'events',
    () => events.start(),
    () => events.stop(),
  );
  const scheduler = createScheduler({
    client,
    clock: realClock,
    random: secureRandom,
    recorder: events.recorder('default-scheduler'),
    onError: (error) => log.warn(`scheduler: ${messageOf(error)}`),
  });
  await stages.run(
    'scheduler',
    () => scheduler.start(),
    () => scheduler.stop(),
  );
  try {
    await stages.run(
      'scheduler debug',
      () => serveSchedulerDebug(dir.schedulerSocket, scheduler),
      (server) => server.close(),
    );
  } catch (error) {
    if (!(error instanceof SocketPathError)) throw error;
    log.warn(`skiff why cannot be asked: ${error.message}`);
  }
}

/** The node's address: asked for, the host's, or (with neither) the pod bridge's; loopback will do for hollow nodes. */
async function internalAddress(options: UpOptions, dir: DataDir, stages: Stages): Promise<string> {
  if (options.nodeIp) return options.nodeIp;
  const found = await hostAddress();
  if (found) return found;
  if (options.runtime === 'hollow') return loopback;
  // The API server binds it before there is a node: so the bridge is made now. The node finds it as it would have it.
  const podCidr = firstNodeCidr(options.podNetworkCidr);
  const { podNetworkCidr: clusterCidr, serviceCidr } = options;
  await stages.run('pod bridge', () => setUpNodeNetwork({ id: dir.id, clusterCidr, podCidr, serviceCidr }));
  return gatewayAddress(podCidr);
}

/** Loopback and "all addresses" lead nowhere from outside. */
const reachableAddress = ({ bindAddress }: UpOptions, nodeIp: string): string =>
  bindAddress && !/^(127\.|0\.0\.0\.0$|::1?$)/.test(bindAddress) ? bindAddress : nodeIp;

/** A hollow cluster is for this machine alone, and needs no other address. */
const bindableAddresses = (options: UpOptions, nodeIp: string): string[] =>
  options.runtime === 'hollow' ? [loopback] : [...new Set([loopback, nodeIp])];

/** The Service `kubernetes` has the first address of the Service network. */
const firstAddress = (serviceCidr: string): string => gatewayAddress(serviceCidr);

/** The first node gets the first /24 of the pod network. */
export function firstNodeCidr(podNetworkCidr: string): string {
  const { base, prefixLength } = parseCidr(podNetworkCidr);
  return formatCidr({ base, prefixLength: Math.max(24, prefixLength) });
}
