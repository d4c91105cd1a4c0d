import { expect, test } from 'vitest';
import type { ControllerRevision, DaemonSet, StatefulSet } from '../../../src/apis/generated/types/apps/v1.ts';
import type { CronJob, Job } from '../../../src/apis/generated/types/batch/v1.ts';
import { deployment, withImage, world } from './support.ts';

test('deployment, created, rolled over, scaled, rolled back and deleted, says what it does', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 3));
  await w.rest();
  expect((await w.deployments.get('web')).status).toMatchObject({
    replicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  const [first] = (await w.replicaSets.list()).items;

  await w.deployments.patch('web', 'strategic', withImage('two'));
  await w.rest(30);
  expect(await w.sizes()).toEqual({ one: 0, two: 3 });
  expect((await w.livePods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(['two', 'two', 'two']);

  await w.deployments.patch('web', 'merge', { spec: { replicas: 5 } });
  await w.rest();
  expect(await w.sizes()).toEqual({ one: 0, two: 5 });

  await w.deployments.patch('web', 'strategic', withImage('one'));
  await w.rest(30);
  expect(await w.sizes()).toEqual({ one: 5, two: 0 });
  const web = await w.deployments.get('web');
  expect(web.metadata.annotations!['deployment.kubernetes.io/revision']).toBe('3');
  expect(web.status).toMatchObject({ observedGeneration: web.metadata.generation, updatedReplicas: 5 });
  expect(web.status!.conditions!.map((c) => [c.type, c.status, c.reason]).sort()).toEqual([
    ['Available', 'True', 'MinimumReplicasAvailable'],
    ['Progressing', 'True', 'NewReplicaSetAvailable'],
  ]);
  expect(await w.events('ScalingReplicaSet')).toContain(`Scaled up replica set ${first!.metadata.name} from 0 to 3`);

  await w.deployments.delete('web', { propagationPolicy: 'Background' });
  await w.rest(60);
  expect((await w.replicaSets.list()).items).toEqual([]);
  expect((await w.pods.list()).items).toEqual([]);
  expect(w.cluster.errors).toEqual([]);
});

test('deployment, rolling over, has no more pods than surge and no fewer ready than promised, at any time', async () => {
  const w = await world();
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
  await w.deployments.create(deployment('web', 6, { strategy }));
  await w.rest();
  await w.deployments.patch('web', 'strategic', withImage('two'));
  for (let i = 0; i < 60; i++) {
    await w.cluster.advance(250);
    const sum = Object.values(await w.sizes()).reduce((a, b) => (a ?? 0) + (b ?? 0), 0);
    expect(sum).toBeLessThanOrEqual(7);
    const ready = (await w.livePods()).filter((pod) =>
      pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    expect(ready.length).toBeGreaterThanOrEqual(5);
  }
  expect(await w.sizes()).toEqual({ one: 0, two: 6 });
});

test('deployment, recreate, has no old and new pods together', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 3, { strategy: { type: 'Recreate' } }));
  await w.rest();
  await w.deployments.patch('web', 'strategic', withImage('two'));
  for (let i = 0; i < 60; i++) {
    await w.cluster.advance(500);
    const images = new Set((await w.pods.list()).items.map((pod) => pod.spec!.containers[0]!.image));
    expect(images.size).toBeLessThanOrEqual(1);
  }
  expect((await w.livePods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(['two', 'two', 'two']);
});

test('deployment, paused and resumed, rolls out only then', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 2));
  await w.rest();
  await w.deployments.patch('web', 'strategic', { spec: { paused: true, ...withImage('two').spec } });
  await w.rest();
  expect(await w.sizes()).toEqual({ one: 2 });
  const { conditions } = (await w.deployments.get('web')).status!;
  expect(conditions!.find((c) => c.type === 'Progressing')!.reason).toBe('DeploymentPaused');
  await w.deployments.patch('web', 'merge', { spec: { paused: false } });
  await w.rest(30);
  expect(await w.sizes()).toEqual({ one: 0, two: 2 });
});

test('replica set, a pod deleted, another relabelled, and an orphan that matches, ends with what it wants', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 3));
  await w.rest();
  const [set] = (await w.replicaSets.list()).items;
  const [a, b] = await w.livePods();
  await w.pods.delete(a!.metadata.name!);
  await w.pods.patch(b!.metadata.name!, 'merge', { metadata: { labels: { app: 'stray' } } });
  await w.rest(60);
  const owned = (await w.livePods()).filter((pod) => pod.metadata.labels!['app'] === 'web');
  expect(owned).toHaveLength(3);
  // Released: it lives on, and nobody's.
  expect((await w.pods.get(b!.metadata.name!)).metadata.ownerReferences ?? []).toEqual([]);

  await w.pods.patch(b!.metadata.name!, 'merge', { metadata: { labels: { app: 'web' } } });
  await w.rest(60);
  const after = (await w.livePods()).filter((pod) => pod.metadata.labels!['app'] === 'web');
  expect(after).toHaveLength(3);
  for (const pod of after) expect(pod.metadata.ownerReferences![0]!.uid).toBe(set!.metadata.uid);
  expect((await w.events('SuccessfulCreate')).length).toBeGreaterThanOrEqual(5);
});

test('replica set, minReadySeconds, is available only after them', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 2, { minReadySeconds: 30 }));
  await w.rest(10);
  expect((await w.deployments.get('web')).status).toMatchObject({ readyReplicas: 2, unavailableReplicas: 2 });
  await w.rest(30);
  expect((await w.deployments.get('web')).status).toMatchObject({ availableReplicas: 2 });
});

test('replica set, pods refused, says so in its status and goes on when they are no longer', async () => {
  const w = await world();
  const web = deployment('web', 1);
  web.spec!.template.spec!.serviceAccountName = 'missing';
  await w.deployments.create(web);
  await w.rest(20);
  const [set] = (await w.replicaSets.list()).items;
  expect(set!.status!.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }]);
  const { conditions } = (await w.deployments.get('web')).status!;
  expect(conditions!.find((c) => c.type === 'ReplicaFailure')).toMatchObject({
    status: 'True',
    reason: 'FailedCreate',
  });
  const accounts = w.cluster.client('', 'v1', 'serviceaccounts').namespace('default');
  await accounts.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'missing' } });
  await w.rest(120);
  expect((await w.deployments.get('web')).status).toMatchObject({ availableReplicas: 1 });
  expect((await w.replicaSets.list()).items[0]!.status!.conditions).toBeUndefined();
});

test('garbage collection, foreground, the owner goes last', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 2));
  await w.rest();
  const [held] = await w.livePods();
  await w.pods.patch(held!.metadata.name!, 'merge', { metadata: { finalizers: ['example.com/hold'] } });
  await w.deployments.delete('web', { propagationPolicy: 'Foreground' });
  await w.rest(60);
  expect((await w.deployments.get('web')).metadata.finalizers).toEqual(['foregroundDeletion']);
  expect((await w.replicaSets.list()).items[0]!.metadata.finalizers).toEqual(['foregroundDeletion']);
  expect((await w.pods.list()).items).toHaveLength(1);
  await w.pods.patch(held!.metadata.name!, 'merge', { metadata: { finalizers: null } });
  await w.rest(90);
  expect((await w.deployments.list()).items).toEqual([]);
  expect((await w.replicaSets.list()).items).toEqual([]);
  expect((await w.pods.list()).items).toEqual([]);
});

test('garbage collection, orphan, dependents live on without their owner, and are adopted by the next', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 2));
  await w.rest();
  await w.deployments.delete('web', { propagationPolicy: 'Orphan' });
  await w.rest(10);
  expect((await w.deployments.list()).items).toEqual([]);
  const [set] = (await w.replicaSets.list()).items;
  expect(set!.metadata.ownerReferences ?? []).toEqual([]);
  expect(await w.livePods()).toHaveLength(2);
  const again = await w.deployments.create(deployment('web', 2));
  await w.rest(10);
  const sets = (await w.replicaSets.list()).items;
  expect(sets).toHaveLength(1);
  expect(sets[0]!.metadata).toMatchObject({ name: set!.metadata.name, ownerReferences: [{ uid: again.metadata.uid }] });
});

test('garbage collection, an object whose owner never was, goes; one with another owner too only forgets it', async () => {
  const w = await world();
  const real = await w.configMaps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'real' } });
  const ref = (name: string, uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid });
  const make = (name: string, ...ownerReferences: unknown[]) =>
    w.configMaps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ownerReferences } });
  await make('lost', ref('never', 'no-such-uid'));
  await make('other-uid', ref('real', 'not-the-uid-of-real'));
  await make('half', ref('never', 'no-such-uid'), ref('real', real.metadata.uid!));
  await make('fine', ref('real', real.metadata.uid!));
  await w.rest(10);
  const left = (await w.configMaps.list()).items
    .map((o) => o.metadata.name)
    .filter((name) => name !== 'kube-root-ca.crt');
  expect(left).toEqual(['fine', 'half', 'real']);
  expect((await w.configMaps.get('half')).metadata.ownerReferences).toEqual([ref('real', real.metadata.uid!)]);
});

test('daemon set, runs on every node, follows nodes that come and go, and rolls over one at a time', async () => {
  const w = await world({ nodes: 3 });
  const sets = w.cluster.client<DaemonSet>('apps', 'v1', 'daemonsets').namespace('default');
  const { template, selector } = deployment('agent', 1).spec!;
  await sets.create({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector, template },
  });
  await w.rest();
  const places = async () => (await w.livePods()).map((pod) => pod.spec!.nodeName).sort();
  expect(await places()).toEqual(['node-1', 'node-2', 'node-3']);
  await w.cluster.nodes.add({ name: 'late' });
  await w.rest();
  expect(await places()).toEqual(['late', 'node-1', 'node-2', 'node-3']);
  expect((await sets.get('agent')).status).toMatchObject({
    desiredNumberScheduled: 4,
    numberReady: 4,
    numberAvailable: 4,
    updatedNumberScheduled: 4,
    observedGeneration: 1,
  });

  await sets.patch('agent', 'strategic', withImage('two'));
  for (let i = 0; i < 80; i++) {
    await w.cluster.advance(500);
    const ready = (await w.livePods()).filter((pod) =>
      pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    expect(ready.length).toBeGreaterThanOrEqual(3);
  }
  expect((await w.livePods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(['two', 'two', 'two', 'two']);
  const revisions = w.cluster.client<ControllerRevision>('apps', 'v1', 'controllerrevisions').namespace('default');
  expect((await revisions.list()).items.map((r) => r.revision).sort()).toEqual([1, 2]);
  expect(w.cluster.errors).toEqual([]);

  await sets.delete('agent');
  await w.rest(60);
  expect((await w.pods.list()).items).toEqual([]);
  expect((await revisions.list()).items).toEqual([]);
});

test('job, indexed, runs its pods to their end, is complete, and is deleted after its time', async () => {
  const w = await world();
  const jobs = w.cluster.client<Job>('batch', 'v1', 'jobs').namespace('default');
  await jobs.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'sums' },
    spec: {
      completions: 3,
      parallelism: 2,
      completionMode: 'Indexed',
      ttlSecondsAfterFinished: 100,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'one' }] } },
    },
  });
  // Pods of Jobs on hollow nodes succeed by themselves.
  await w.rest(20);
  expect((await w.pods.list()).items.map((pod) => pod.spec!.hostname)).toEqual(['sums-0', 'sums-1', 'sums-2']);
  const done = await jobs.get('sums');
  expect(done.status).toMatchObject({ succeeded: 3, completedIndexes: '0-2', uncountedTerminatedPods: {} });
  expect(done.status!.conditions!.map((c) => c.type)).toEqual(['SuccessCriteriaMet', 'Complete']);
  expect(await w.events('Completed')).toEqual(['Job completed']);
  expect(w.cluster.errors).toEqual([]);
  await w.rest(120);
  expect((await jobs.list()).items).toEqual([]);
  expect((await w.pods.list()).items).toEqual([]);
});

test('job, deleted while its pods run, takes them along', async () => {
  const w = await world();
  const jobs = w.cluster.client<Job>('batch', 'v1', 'jobs').namespace('default');
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'one' }] } };
  await jobs.create({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: { template } });
  await w.rest(1);
  await jobs.delete('j', { propagationPolicy: 'Background' });
  await w.rest(60);
  expect((await jobs.list()).items).toEqual([]);
  expect((await w.pods.list()).items).toEqual([]);
});

test('stateful set, comes up in order, keeps its names, rolls over from the end, and rolls back', async () => {
  const w = await world({ nodes: 3 });
  const sets = w.cluster.client<StatefulSet>('apps', 'v1', 'statefulsets').namespace('default');
  const { template, selector } = deployment('db', 1).spec!;
  await sets.create({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: { serviceName: 'db', replicas: 3, selector, template },
  });
  await w.rest(20);
  const names = async () => (await w.livePods()).map((pod) => pod.metadata.name);
  expect(await names()).toEqual(['db-0', 'db-1', 'db-2']);
  const first = (await sets.get('db')).status!;
  expect(first).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  expect(first.currentRevision).toBe(first.updateRevision);
  expect(await w.events('SuccessfulCreate')).toContain('create Pod db-0 in StatefulSet db successful');

  await sets.patch('db', 'strategic', withImage('two'));
  await w.rest(120);
  expect((await w.livePods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(['two', 'two', 'two']);
  await sets.patch('db', 'strategic', withImage('one'));
  await w.rest(120);
  const last = (await sets.get('db')).status!;
  expect(last).toMatchObject({ currentRevision: first.currentRevision, updateRevision: first.currentRevision });
  expect(last.updatedReplicas).toBe(3);
  await sets.patch('db', 'merge', { spec: { replicas: 1 } });
  await w.rest(60);
  expect(await names()).toEqual(['db-0']);
  expect(w.cluster.errors).toEqual([]);
});

test('cron job, starts Jobs by the clock and keeps the last few', async () => {
  const w = await world();
  const cronJobs = w.cluster.client<CronJob>('batch', 'v1', 'cronjobs').namespace('default');
  const jobTemplate = {
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'one' }] } } },
  };
  await cronJobs.create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick' },
    spec: { schedule: '*/2 * * * *', jobTemplate },
  });
  for (let i = 0; i < 13; i++) await w.rest(60);
  const { items } = await w.cluster.client<Job>('batch', 'v1', 'jobs').namespace('default').list();
  expect(items.map((job) => job.status!.succeeded)).toEqual([1, 1, 1]);
  expect(await w.events('SuccessfulCreate')).toContain(`Created job ${items[2]!.metadata.name}`);
  const { status } = await cronJobs.get('tick');
  expect(status!.active).toBeUndefined();
  expect(status!.lastScheduleTime).toMatch(/^2026-01-01T00:1[02468]:00Z$/);
  expect(w.cluster.errors).toEqual([]);
});
