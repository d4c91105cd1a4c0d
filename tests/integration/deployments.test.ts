import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { type clients, deployment, inNamespace, isReady } from './objects.ts';

let cluster: Cluster;
let c: ReturnType<typeof clients>;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2 });
});
beforeEach(async () => {
  c = await inNamespace(cluster);
});
afterAll(() => cluster.stop());

const available = (replicas: number) =>
  cluster.waitFor(
    c.deployments,
    ([d]) =>
      d?.status?.observedGeneration === d?.metadata.generation &&
      (d?.status?.availableReplicas ?? 0) === replicas &&
      (d?.status?.updatedReplicas ?? 0) === replicas &&
      (d?.status?.replicas ?? 0) === replicas,
    { what: `${replicas} available replicas` },
  );

describe('a deployment', () => {
  test('rolls out: replica set, running pods, status, events', async () => {
    await c.deployments.create(deployment('web', 3));
    await available(3);
    const [rs] = (await c.replicaSets.list()).items;
    expect(rs?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(rs?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Deployment', name: 'web', controller: true });
    const pods = (await c.pods.list()).items;
    expect(pods.length).toBe(3);
    expect(pods.every(isReady)).toBe(true);
    expect(new Set(pods.map((p) => p.status?.podIP)).size).toBe(3);
    for (const pod of pods) {
      expect(pod.spec?.serviceAccountName).toBe('default');
      expect(pod.status?.qosClass).toBe('BestEffort');
      expect(pod.status?.podIP).toMatch(/^10\.244\.\d+\.\d+$/);
    }
    const d = await c.deployments.get('web');
    expect(d.status?.conditions?.map((x) => [x.type, x.status, x.reason])).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ]);
    const wanted = ['Scheduled', 'ScalingReplicaSet', 'SuccessfulCreate'];
    const events = await cluster.waitFor(c.events, (all) => wanted.every((r) => all.some((e) => e.reason === r)));
    const scheduled = events.find((e) => e.reason === 'Scheduled');
    expect(scheduled?.message).toMatch(/^Successfully assigned \S+\/web-\w+-\w{5} to node-[12]$/);
    expect(scheduled?.source).toMatchObject({ component: 'default-scheduler' });
  });

  test('scales up and down', async () => {
    await c.deployments.create(deployment('web', 1));
    await available(1);
    const scale = await c.deployments.get('web', { subresource: 'scale' });
    await c.deployments.update({ ...scale, spec: { replicas: 4 } } as Parameters<typeof c.deployments.update>[0], {
      subresource: 'scale',
    });
    await available(4);
    await c.deployments.patch('web', 'merge', { spec: { replicas: 0 } });
    await available(0);
    await cluster.waitFor(c.pods, (pods) => pods.length === 0, { what: 'no pods' });
  });

  test('replaces its pods step by step and never has too few or too many', async () => {
    await c.deployments.create(deployment('web', 4));
    await available(4);
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    const watching = cluster.waitFor(
      c.pods,
      (pods) => {
        const alive = pods.filter((p) => !p.metadata.deletionTimestamp);
        least = Math.min(least, alive.filter(isReady).length);
        most = Math.max(most, alive.length);
        return alive.length === 4 && alive.every((p) => p.spec?.containers[0]?.image === 'web:2' && isReady(p));
      },
      { everyChange: true },
    );
    await c.deployments.patch('web', 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
    });
    await watching;
    await available(4);
    // 25 % of four, both ways.
    expect(least).toBeGreaterThanOrEqual(3);
    expect(most).toBeLessThanOrEqual(5);
    const revisions = (await c.replicaSets.list()).items.map((rs) => [
      rs.metadata.annotations?.['deployment.kubernetes.io/revision'],
      rs.spec?.replicas,
    ]);
    expect(revisions.sort()).toEqual([
      ['1', 0],
      ['2', 4],
    ]);
  });

  test('waits with a rollout whose pods cannot run, and keeps the old ones', async () => {
    await c.deployments.create(deployment('web', 2));
    await available(2);
    await c.deployments.patch('web', 'merge', { spec: { template: { spec: { nodeSelector: { no: 'where' } } } } });
    await cluster.waitFor(c.pods, (pods) =>
      pods.some((p) => p.status?.conditions?.some((x) => x.type === 'PodScheduled' && x.reason === 'Unschedulable')),
    );
    const d = await c.deployments.get('web');
    expect(d.status?.availableReplicas).toBe(2);
    const pending = (await c.pods.list()).items.find((p) => !p.spec?.nodeName);
    expect(pending?.status?.conditions?.find((x) => x.type === 'PodScheduled')?.message).toBe(
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, " +
        'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    );
    const events = await cluster.waitFor(c.events, (all) => all.some((e) => e.reason === 'FailedScheduling'));
    expect(events.find((e) => e.reason === 'FailedScheduling')).toMatchObject({
      type: 'Warning',
      involvedObject: { kind: 'Pod', name: pending?.metadata.name ?? '' },
    });
  });

  test('a pod that is deleted is replaced', async () => {
    await c.deployments.create(deployment('web', 2));
    await available(2);
    const [victim] = (await c.pods.list()).items;
    await c.pods.delete(victim!.metadata.name!);
    await cluster.waitFor(
      c.pods,
      (pods) => pods.length === 2 && pods.every((p) => isReady(p) && p.metadata.uid !== victim!.metadata.uid),
    );
  });
});

describe('a service', () => {
  test('has an address and the endpoints of its ready pods, and loses those that go', async () => {
    await c.deployments.create(deployment('web', 2));
    const service = await c.services.create<{ spec: { clusterIP: string } }>({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    expect(service.spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\./);
    const ready = (count: number) =>
      cluster.waitFor(
        c.endpointSlices,
        (slices) =>
          slices.flatMap((s) => s.endpoints ?? []).filter((e) => e.conditions?.ready && e.addresses.length === 1)
            .length === count,
        { what: `${count} endpoints` },
      );
    const [slice] = await ready(2);
    expect(slice?.metadata.labels).toMatchObject({ 'kubernetes.io/service-name': 'web' });
    expect(slice?.ports).toMatchObject([{ port: 8080, protocol: 'TCP' }]);
    const pods = (await c.pods.list()).items.map((p) => p.status?.podIP);
    expect(slice?.endpoints?.map((e) => e.addresses[0]).sort()).toEqual(pods.sort());
    await c.deployments.patch('web', 'merge', { spec: { replicas: 1 } });
    await ready(1);
    await cluster.waitFor(c.endpoints, ([e]) => e?.subsets?.[0]?.addresses?.length === 1);
  });
});
