import { expect, test } from 'vitest';
import { realClock } from '../../../src/base/node/real-clock.ts';
import { SeededRandom } from '../../../src/base/random.ts';
import { createHttpsTransport } from '../../../src/client/https/https.ts';
import { parseKubeconfig } from '../../../src/client/https/kubeconfig.ts';
import { createClient } from '../../../src/client/rest.ts';
import { createControllerManager } from '../../../src/controllers/manager.ts';
import { deployment, world } from './support.ts';

test('controllers, over HTTPS from a kubeconfig, do what they do in process', async () => {
  const names = ['deployment', 'replicaset', 'garbagecollector', 'endpointslice'];
  const w = await world({ clock: 'real', controllers: ['*', ...names.map((name) => `-${name}`)] });
  const connection = await parseKubeconfig(await w.cluster.kubeconfig(), { path: 'kubeconfig' });
  const transport = createHttpsTransport({ ...connection, clock: realClock });
  const errors: unknown[] = [];
  const manager = createControllerManager({
    client: createClient({ transport, clock: realClock, userAgent: 'skiff-test' }),
    clock: realClock,
    random: new SeededRandom(1),
    controllers: names,
    freeze: true,
    onError: (name, error) => errors.push([name, error]),
  });
  try {
    await manager.start();
    const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
    await w.services.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec });
    await w.deployments.create(deployment('web', 3));
    await w.cluster.waitFor(w.deployments, ([d]) => d?.status?.availableReplicas === 3, { what: 'a rolled out web' });
    await w.cluster.waitFor(
      w.slices,
      (slices) => slices.flatMap((slice) => slice.endpoints ?? []).filter((e) => e.conditions?.ready).length === 3,
      { what: 'three ready endpoints', labelSelector: 'kubernetes.io/service-name=web' },
    );
    await w.deployments.delete('web', { propagationPolicy: 'Foreground' });
    await w.cluster.waitFor(w.deployments, (all) => all.length === 0, { what: 'no deployment', timeoutMs: 30_000 });
    expect((await w.replicaSets.list()).items).toEqual([]);
    expect(errors).toEqual([]);
  } finally {
    await manager.stop();
    await transport.close();
  }
});
