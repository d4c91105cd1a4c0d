import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DaemonSet } from '../../apis/generated/types/apps/v1.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import { revisionHashLabel } from '../common/revision-history.ts';
import { planPlacement, planRollout, planStatus } from './plan.ts';
import { daemonPod, fitOf, nodeNameOf } from './pod.ts';

const nowMs = Date.UTC(2026, 0, 1);

function daemonSet(rollingUpdate: object = { maxUnavailable: 1, maxSurge: 0 }, spec: object = {}): DaemonSet {
  return {
    metadata: { name: 'd', namespace: 'ns', uid: 'd', generation: 1 },
    spec: {
      selector: { matchLabels: { app: 'd' } },
      template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c' }], ...spec } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    },
  };
}

const node = (name: string, taints: string[] = [], labels: Record<string, string> = {}): Node => ({
  metadata: { name, labels },
  spec: { taints: taints.map((t) => ({ key: t.split(':')[0]!, effect: t.split(':')[1]! })) },
});

let made = 0;
function pod(ds: DaemonSet, on: string, hash: string, ready = true, more: object = {}): Pod {
  const made1 = daemonPod(ds, on, hash);
  return {
    ...made1,
    metadata: { ...made1.metadata, name: `d-${++made}`, uid: `u${made}`, creationTimestamp: `2026-01-01T00:00:00Z` },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }], ...more },
  };
}

test.each<[string, object, Node, boolean, boolean]>([
  ['plain', {}, node('n'), true, true],
  [
    'in trouble',
    {},
    node('n', ['node.kubernetes.io/not-ready:NoExecute', 'node.kubernetes.io/disk-pressure:NoSchedule']),
    true,
    true,
  ],
  ['cordoned', {}, node('n', ['node.kubernetes.io/unschedulable:NoSchedule']), true, true],
  ['reserved', {}, node('n', ['team:NoSchedule']), false, true],
  ['cleared', {}, node('n', ['team:NoExecute']), false, false],
  ['network down', {}, node('n', ['node.kubernetes.io/network-unavailable:NoSchedule']), false, true],
  [
    'network down, host network',
    { hostNetwork: true },
    node('n', ['node.kubernetes.io/network-unavailable:NoSchedule']),
    true,
    true,
  ],
  ['not selected', { nodeSelector: { disk: 'ssd' } }, node('n'), false, false],
  ['selected', { nodeSelector: { disk: 'ssd' } }, node('n', [], { disk: 'ssd' }), true, true],
])('daemon, node %s', (_, spec, on, shouldRun, mayStay) => {
  expect(fitOf(daemonSet({}, spec), on)).toEqual({ shouldRun, mayStay });
});

test('daemon pod, is meant for one node, keeps its own preferences, tolerates trouble', () => {
  const preferred = [{ weight: 1, preference: {} }];
  const ds = daemonSet(
    {},
    { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } },
  );
  const made = daemonPod(ds, 'n7', 'h');
  expect(nodeNameOf(made)).toBe('n7');
  expect(made.spec!.affinity!.nodeAffinity!.preferredDuringSchedulingIgnoredDuringExecution).toEqual(preferred);
  expect(made.metadata.labels).toEqual({ app: 'd', [revisionHashLabel]: 'h' });
  expect(made.spec!.tolerations).toHaveLength(6);
});

test('placement, one pod a node: missing are made, doubles and misplaced go, ended are told apart', () => {
  const ds = daemonSet();
  const pods = [
    pod(ds, 'double', 'h'),
    pod(ds, 'double', 'h'),
    pod(ds, 'cleared', 'h'),
    pod(ds, 'reserved', 'h'),
    pod(ds, 'ended', 'h', false, { phase: 'Failed' }),
    pod(ds, 'vanished', 'h'),
  ];
  const nodes = [
    node('empty'),
    node('double'),
    node('cleared', ['t:NoExecute']),
    node('reserved', ['t:NoSchedule']),
    node('ended'),
  ];
  const plan = planPlacement({ daemonSet: ds, nodes, pods, hash: 'h', nowMs });
  expect(plan.create).toEqual(['empty']);
  expect(plan.delete.map((p) => nodeNameOf(p))).toEqual(['double', 'cleared', 'vanished']);
  expect(plan.finished.map((p) => nodeNameOf(p))).toEqual(['ended']);
  expect(planStatus({ daemonSet: ds, nodes, pods, hash: 'h', nowMs }).status).toMatchObject({
    desiredNumberScheduled: 3,
    currentNumberScheduled: 2,
    numberMisscheduled: 2,
    numberReady: 1,
  });
});

const limit = fc.oneof(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 1, max: 100 }).map((p) => `${p}%`),
);

test('rollout, with any limits, never has too many unavailable, and completes', () => {
  const mode = fc.oneof(
    limit.map((maxUnavailable) => ({ maxUnavailable, maxSurge: 0 })),
    limit.map((maxSurge) => ({ maxUnavailable: 0, maxSurge })),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      mode,
      fc.array(fc.nat(8), { maxLength: 60 }),
      (count, rollingUpdate, moves) => {
        const ds = daemonSet(rollingUpdate);
        const nodes = Array.from({ length: count }, (_, i) => node(`n${i}`));
        let pods = nodes.map((n) => pod(ds, n.metadata.name!, 'old'));
        const of = (value: number | string) =>
          typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * count) / 100);
        const least = rollingUpdate.maxSurge === 0 ? count - of(rollingUpdate.maxUnavailable) : count;
        const isReady = (p: Pod) => p.status!.conditions![0]!.status === 'True';
        const step = () => {
          const state = { daemonSet: ds, nodes, pods, hash: 'new', nowMs };
          const placement = planPlacement(state);
          const quiet = placement.create.length + placement.delete.length === 0;
          const rollout = quiet ? planRollout(state) : { create: [], delete: [] };
          const gone = new Set([...placement.delete, ...rollout.delete]);
          pods = pods.filter((p) => !gone.has(p));
          pods.push(...[...placement.create, ...rollout.create].map((name) => pod(ds, name, 'new', false)));
          const ready = new Set(pods.filter(isReady).map((p) => nodeNameOf(p)));
          expect(ready.size).toBeGreaterThanOrEqual(least);
          expect(pods.length).toBeLessThanOrEqual(count + of(rollingUpdate.maxSurge));
        };
        const makeReady = (at: number) => {
          pods = pods.map((p, i) =>
            i === at ? { ...p, status: { ...p.status, conditions: [{ type: 'Ready', status: 'True' }] } } : p,
          );
        };
        for (const move of moves) {
          step();
          makeReady(move % pods.length);
        }
        for (let i = 0; i < 5 * count + 5; i++) {
          step();
          for (let at = 0; at < pods.length; at++) makeReady(at);
        }
        expect(pods).toHaveLength(count);
        for (const p of pods) expect(p.metadata.labels![revisionHashLabel]).toBe('new');
      },
    ),
    { numRuns: 60 },
  );
});
