import { expect, test } from 'vitest';
import { type Stage, startCluster } from '../../src/testing/index.ts';
import { clients, deployment } from './objects.ts';

/** Pods that come up after a while, and some of which fail a little later. */
const start: Stage = {
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name: 'start' },
  spec: {
    resourceRef: { apiGroup: 'v1', kind: 'Pod' },
    selector: {
      matchExpressions: [
        { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
        { key: '.status.podIP', operator: 'DoesNotExist' },
      ],
    },
    delay: { durationMilliseconds: 2000, jitterDurationMilliseconds: 4000 },
    next: {
      statusTemplate: `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
conditions:

- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: Ready
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
`,
    },
  },
};
const fail: Stage = {
  metadata: { name: 'fail' },
  spec: {
    resourceRef: { kind: 'Pod' },
    selector: {
      matchLabels: { fate: 'fail' },
      matchExpressions: [{ key: '.status.phase', operator: 'In', values: ['Running'] }],
    },
    delay: { durationMilliseconds: 10_000 },
    next: { statusTemplate: 'phase: Failed\nreason: Crashed' },
  },
};
const remove: Stage = {
  metadata: { name: 'remove' },
  spec: {
    resourceRef: { kind: 'Pod' },
    selector: { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] },
    next: { finalizers: { empty: true }, delete: true },
  },
};

test('pods that live by the Stages of a test: slow to start, doomed to fail, replaced each time', async () => {
  const cluster = await startCluster({ nodes: 1, clock: 'fake', seed: 3, stages: [start, fail, remove] });
  const c = clients(cluster);
  await c.deployments.create(deployment('good', 2));
  const doomed = deployment('doomed', 1);
  Object.assign(doomed.spec.template.metadata.labels, { fate: 'fail' });
  await c.deployments.create(doomed);
  await cluster.advance(1_999);
  expect((await c.pods.list()).items.every((p) => p.status?.phase === 'Pending')).toBe(true);
  await cluster.advance(2_001);
  expect((await c.deployments.get('good')).status?.availableReplicas).toBe(2);
  await cluster.advance(60_000);
  const failed = (await c.pods.list()).items.filter((p) => p.status?.phase === 'Failed');
  expect(failed.length).toBeGreaterThanOrEqual(3);
  expect(failed.every((p) => p.metadata.labels?.['fate'] === 'fail' && p.status?.reason === 'Crashed')).toBe(true);
  await c.deployments.delete('good', { propagationPolicy: 'Foreground' });
  await cluster.settle();
  expect((await c.pods.list({ labelSelector: 'app=good' })).items).toEqual([]);
  expect(cluster.errors).toEqual([]);
  await cluster.stop();
});
