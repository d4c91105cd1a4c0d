/** The cloud side of `skiff up`: Services of type LoadBalancer get addresses from the local provider. */
import { messageOf } from '../base/errors.ts';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { EventBroadcaster } from '../client/events.ts';
import { InformerFactory } from '../client/informers.ts';
import { AddressPool } from '../cloud/local/pool.ts';
import { createLocalProvider } from '../cloud/local/provider.ts';
import { createCloudControllerManager } from '../cloud/manager.ts';
import type { Client } from '../client/client.ts';
import type { Logger } from './logger.ts';
import type { Stages } from './stages.ts';

/** What a node itself is reached by: SSH, DNS, etcd, the API server, kubelet, controllers, scheduler, proxy. */
export const nodePorts: readonly number[] = [22, 53, 2379, 2380, 6443, 10250, 10256, 10257, 10259];

export interface CloudOptions {
  readonly loadBalancerPool?: string;
  readonly reservedPorts: readonly number[];
}

export async function startCloud(client: Client, options: CloudOptions, stages: Stages, log: Logger): Promise<void> {
  const onError = (error: unknown) => log.warn(`cloud controllers: ${messageOf(error)}`);
  const informers = new InformerFactory({ client, clock: realClock, random: secureRandom, onError });
  const events = new EventBroadcaster({ client, clock: realClock, onError });
  const { loadBalancerPool, reservedPorts } = options;
  const pool = loadBalancerPool ? { pool: AddressPool.parse(loadBalancerPool) } : {};
  const manager = createCloudControllerManager({
    provider: createLocalProvider({ ...pool, reservedPorts }, informers),
    client,
    informers,
    clock: realClock,
    recorder: (component) => events.recorder(component),
    onError: (controller, error, key) => log.warn(`${controller}: ${key ?? ''}: ${messageOf(error)}`),
  });
  await stages.run(
    'cloud controllers',
    () => {
      events.start();
      manager.start();
    },
    async () => {
      await manager.stop();
      await informers.stop();
      await events.stop();
    },
  );
}
