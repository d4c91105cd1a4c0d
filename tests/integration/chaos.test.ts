/**
 * Anything may happen to a cluster: deployments come, change and go, nodes fall silent and come back, in any order and at
 * any time. Once it is left alone it must be what was asked for last. A failing seed is in the name of its test.
 */
import { describe, expect, test } from 'vitest';
import { randomInt, SeededRandom } from '../../src/base/random.ts';
import { isAlreadyExists } from '../../src/machinery/status/is.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Cluster, FakeClock, startCluster } from '../../src/testing/index.ts';
import { clients, deployment, isReady } from './objects.ts';

const names = ['a', 'b', 'c'];
const steps = 25;

/** What was asked for last: replicas and image of each deployment. */
type Model = Map<string, { replicas: number; image: string }>;

async function step(cluster: Cluster, model: Model, silent: Set<string>, random: SeededRandom): Promise<string> {
  const c = clients(cluster);
  const name = names[randomInt(random, names.length)]!;
  const replicas = randomInt(random, 6);
  const image = `web:${randomInt(random, 3)}`;
  const node = cluster.nodes.names[randomInt(random, cluster.nodes.names.length)]!;
  switch (randomInt(random, 8)) {
    case 0:
    case 1: {
      if (model.has(name)) return 'nothing';
      try {
        await c.deployments.create(deployment(name, replicas, { containers: [{ name: 'web', image }] }));
      } catch (error) {
        // One that was deleted in the foreground stays while a pod of it is on a silent node.
        if (isAlreadyExists(error)) return 'nothing';
        throw error;
      }
      model.set(name, { replicas, image });
      return `create ${name} ${replicas} ${image}`;
    }
    case 2: {
      if (!model.has(name)) return 'nothing';
      await c.deployments.patch(name, 'merge', { spec: { replicas } });
      model.get(name)!.replicas = replicas;
      return `scale ${name} ${replicas}`;
    }
    case 3: {
      if (!model.has(name)) return 'nothing';
      await c.deployments.patch(name, 'strategic', {
        spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
      });
      model.get(name)!.image = image;
      return `image ${name} ${image}`;
    }
    case 4: {
      if (!model.delete(name)) return 'nothing';
      const policies = ['Background', 'Foreground'] as const;
      await c.deployments.delete(name, { propagationPolicy: policies[randomInt(random, 2)]! });
      return `delete ${name}`;
    }
    case 5: {
      if (silent.size > 0) return 'nothing';
      await cluster.nodes.kill(node);
      silent.add(node);
      return `kill ${node}`;
    }
    case 6: {
      for (const each of silent) cluster.nodes.revive(each);
      silent.clear();
      return 'revive';
    }
    default: {
      const [pod] = (await c.pods.list()).items.filter((p) => p.metadata.labels?.['app'] === name);
      if (pod === undefined) return 'nothing';
      await c.pods.delete(pod.metadata.name!);
      return `delete pod of ${name}`;
    }
  }
}

describe('after any history', () => {
  test.each([
    [1, 'a good network'],
    [2, 'a good network'],
    [3, 'a good network'],
    [4, 'a bad network'],
    [5, 'a bad network'],
    [6, 'a bad network'],
  ])('the cluster is what was asked for last (seed %i, %s)', async (seed, network) => {
    const clock = new FakeClock({ defer: setImmediate });
    const store = createMemoryStore({ clock });
    const cluster = await startCluster({ nodes: 3, clock, store, seed });
    if (network === 'a bad network') Object.assign(cluster.faults, { refuse: 0.05, lose: 0.05, cut: 0.05 });
    try {
      const random = new SeededRandom(seed);
      const model: Model = new Map();
      const silent = new Set<string>();
      const history: string[] = [];
      for (let i = 0; i < steps; i++) {
        history.push(await step(cluster, model, silent, random));
        // Who falls behind from now on is told that its revision has gone.
        if (randomInt(random, 4) === 0 && store.revision > store.compactedRevision) await store.compact(store.revision);
        const waitMs = [0, 0, 10, 3_000, 70_000, 400_000][randomInt(random, 6)]!;
        if (waitMs > 0) await cluster.advance(waitMs);
      }
      Object.assign(cluster.faults, { refuse: 0, lose: 0, cut: 0 });
      for (const each of silent) cluster.nodes.revive(each);
      await cluster.advance(15 * 60_000);

      const c = clients(cluster);
      const told = history.join('; ');
      const deployments = (await c.deployments.list()).items;
      expect(deployments.map((d) => d.metadata.name).sort(), told).toEqual([...model.keys()].sort());
      const pods = (await c.pods.list()).items;
      for (const [name, { replicas, image }] of model) {
        const own = pods.filter((p) => p.metadata.labels?.['app'] === name);
        expect([name, own.length], told).toEqual([name, replicas]);
        expect(
          own.every((p) => isReady(p) && p.spec?.containers[0]?.image === image && !p.metadata.deletionTimestamp),
          told,
        ).toBe(true);
        const { status, metadata } = deployments.find((d) => d.metadata.name === name)!;
        expect([status?.availableReplicas ?? 0, status?.observedGeneration], told).toEqual([
          replicas,
          metadata.generation,
        ]);
      }
      expect(pods.length, told).toBe([...model.values()].reduce((sum, m) => sum + m.replicas, 0));
      expect(new Set(pods.map((p) => p.status?.podIP)).size, told).toBe(pods.length);
      expect((await c.nodes.list()).items.every(isReady), told).toBe(true);
      const alarming = cluster.errors.filter((e) => /TypeError|RangeError|ReferenceError|forbidden|is invalid/.test(e));
      expect(alarming, told).toEqual([]);
    } finally {
      await cluster.stop();
    }
  });
});
