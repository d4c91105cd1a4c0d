import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { clients, deployment, isReady } from './objects.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2 });
});
afterAll(() => cluster.stop());

describe('a deployment on hollow nodes', () => {
  test('rolls out', async () => {
    const c = clients(cluster);
    await c.deployments.create(deployment('web', 3));
    await cluster.waitFor(c.deployments, (all) => all[0]?.status?.availableReplicas === 3, { what: 'rollout' });
    const pods = (await c.pods.list()).items;
    expect(pods.every(isReady)).toBe(true);
  });
});
