/** What a start puts in place before the server says that it is ready. Every step may be repeated. */
import { isAlreadyExists } from '../../machinery/status/is.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { type ClusterAuthentication, keepExtensionAuthentication } from './extension-authentication.ts';
import { kubernetesServiceIp, reconcileKubernetesService } from './kubernetes-service.ts';
import type { Loopback, LoopbackResource } from './loopback.ts';
import {
  type BootstrapFacts,
  bootstrapObjects,
  flowControlObjects,
  namespaceObject,
  systemNamespaces,
} from './objects.ts';
import { reconcileRbac } from './rbac.ts';

export interface BootstrapOptions extends BootstrapFacts {
  readonly authentication: ClusterAuthentication;
  readonly advertiseAddress: string;
  readonly securePort: number;
}

/** Everything, once a start. Writes of one step go to the store together, so that they share its flushes. */
export async function bootstrap(loopback: Loopback, options: BootstrapOptions): Promise<void> {
  await Promise.all(systemNamespaces.map((name) => ensure(loopback, namespaceObject(name))));
  await Promise.all([
    reconcileRbac(loopback),
    ...bootstrapObjects(options).map((wanted) => ensure(loopback, wanted)),
    keepExtensionAuthentication(loopback, options.authentication),
    reconcileKubernetesService(loopback, whereOf(options)),
  ]);
}

/** What must come back while the server runs, whoever deletes it: system namespaces, flow control, whom to trust, the `kubernetes` Service. */
export async function keepBootstrapped(loopback: Loopback, options: BootstrapOptions): Promise<void> {
  await Promise.all(systemNamespaces.map((name) => ensure(loopback, namespaceObject(name))));
  await Promise.all(flowControlObjects().map((wanted) => ensure(loopback, wanted)));
  await keepExtensionAuthentication(loopback, options.authentication);
  await reconcileKubernetesService(loopback, whereOf(options));
}

const whereOf = (options: BootstrapOptions) => ({
  clusterIP: kubernetesServiceIp(options.serviceClusterIPRange),
  address: options.advertiseAddress,
  port: options.securePort,
});

async function ensure(loopback: Loopback, [at, object]: readonly [LoopbackResource, KubeObject]): Promise<void> {
  if (loopback.get(at, object.metadata.namespace ?? '', object.metadata.name!) !== undefined) return;
  try {
    await loopback.create(at, object);
  } catch (error) {
    // Another API server on the same store was first.
    if (!isAlreadyExists(error)) throw error;
  }
}
