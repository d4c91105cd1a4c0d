import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StatefulSet } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { type StatefulPlan, planStatefulSet } from './plan.ts';
import { claimsOf, ordinalOf, revisionOf, statefulPod } from './pod.ts';

function statefulSet(replicas: number, more: Partial<NonNullable<StatefulSet['spec']>> = {}): StatefulSet {
  return {
    metadata: { name: 'db', namespace: 'ns', uid: 'db', generation: 1 },
    spec: {
      replicas,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c' }] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...more,
    },
  };
}

/** Pods obey; they become ready, and go when deleted, only when told. */
class World {
  set: StatefulSet;
  pods: Pod[] = [];
  revision = 'db-1';
  log: string[] = [];

  constructor(set: StatefulSet) {
    this.set = set;
  }

  step(): StatefulPlan {
    const { currentRevision } = this.set.status ?? {};
    const plan = planStatefulSet({
      set: this.set,
      pods: this.pods,
      updateRevision: this.revision,
      currentRevision: currentRevision ?? this.revision,
      nowMs: 0,
    });
    for (const { ordinal, revision } of plan.create) {
      expect(this.ordinals()).not.toContain(ordinal);
      this.pods.push({
        ...statefulPod(this.set, ordinal, this.set.spec!.template, revision),
        status: { phase: 'Pending' },
      });
      this.log.push(`+${ordinal}`);
    }
    for (const pod of plan.delete) {
      const own = this.pods.find((p) => p === pod)!;
      own.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      this.log.push(`-${ordinalOf(this.set, own)}`);
    }
    this.set = { ...this.set, status: plan.status };
    return plan;
  }

  /** The next thing that waits happens to the pod at this place. */
  advance(at: number): void {
    const pod = this.pods[at % (this.pods.length || 1)];
    if (!pod) return;
    if (pod.metadata.deletionTimestamp) this.pods = this.pods.filter((p) => p !== pod);
    else pod.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  }

  run(): void {
    for (let i = 0; i < 40; i++) {
      this.step();
      for (let at = this.pods.length - 1; at >= 0; at--) this.advance(at);
    }
  }

  ordinals = () => this.pods.map((p) => ordinalOf(this.set, p)!).sort((a, b) => a - b);
  ready = () => this.pods.filter((p) => p.status?.conditions && !p.metadata.deletionTimestamp);
}

test('stateful set, comes up in order, each after those before it, and goes down in the opposite one', () => {
  const w = new World(statefulSet(3));
  w.step();
  w.step();
  expect(w.log).toEqual(['+0']);
  w.run();
  expect(w.log).toEqual(['+0', '+1', '+2']);
  expect(w.set.status).toMatchObject({
    replicas: 3,
    readyReplicas: 3,
    currentReplicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
  });
  w.log = [];
  w.set.spec!.replicas = 1;
  w.run();
  expect(w.log).toEqual(['-2', '-1']);
});

test('stateful set, parallel, comes up all at once, and still is updated one by one', () => {
  const w = new World(statefulSet(3, { podManagementPolicy: 'Parallel' }));
  w.step();
  expect(w.log).toEqual(['+0', '+1', '+2']);
  w.run();
  w.log = [];
  w.revision = 'db-2';
  w.step();
  w.step();
  expect(w.log).toEqual(['-2']);
  w.run();
  expect(w.log).toEqual(['-2', '+2', '-1', '+1', '-0', '+0']);
  expect(w.set.status).toMatchObject({ currentRevision: 'db-2', updateRevision: 'db-2', updatedReplicas: 3 });
});

test('stateful set, partition, updates only from it on, and makes pods below it of the old revision', () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  const w = new World(statefulSet(4, { updateStrategy }));
  w.run();
  w.revision = 'db-2';
  w.run();
  const revisions = () => w.pods.sort((a, b) => ordinalOf(w.set, a)! - ordinalOf(w.set, b)!).map(revisionOf);
  expect(revisions()).toEqual(['db-1', 'db-1', 'db-2', 'db-2']);
  expect(w.set.status).toMatchObject({
    currentRevision: 'db-1',
    updateRevision: 'db-2',
    currentReplicas: 2,
    updatedReplicas: 2,
  });
  w.pods[0]!.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  w.run();
  expect(revisions()).toEqual(['db-1', 'db-1', 'db-2', 'db-2']);
});

test('stateful set, on delete, waits to be asked', () => {
  const w = new World(statefulSet(2, { updateStrategy: { type: 'OnDelete' } }));
  w.run();
  w.revision = 'db-2';
  w.run();
  expect(w.pods.map(revisionOf)).toEqual(['db-1', 'db-1']);
  w.pods[0]!.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  w.run();
  expect(w.pods.map(revisionOf).sort()).toEqual(['db-1', 'db-2']);
});

test('stateful set, a pod that has ended, is replaced', () => {
  const w = new World(statefulSet(2));
  w.run();
  w.pods[0]!.status = { phase: 'Failed' };
  w.log = [];
  w.step();
  expect(w.log).toEqual(['-0']);
  w.run();
  expect(w.ordinals()).toEqual([0, 1]);
});

test('stateful pod, has its name, place, revision and claims', () => {
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: {} }];
  const set = statefulSet(1, { volumeClaimTemplates });
  const pod = statefulPod(set, 4, { spec: { containers: [], volumes: [{ name: 'data' }, { name: 'tmp' }] } }, 'db-9');
  expect(pod).toMatchObject({
    metadata: {
      name: 'db-4',
      labels: {
        'statefulset.kubernetes.io/pod-name': 'db-4',
        'apps.kubernetes.io/pod-index': '4',
        'controller-revision-hash': 'db-9',
      },
    },
    spec: {
      hostname: 'db-4',
      subdomain: 'db',
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-4' } }, { name: 'tmp' }],
    },
  });
  expect(claimsOf(set, 4)[0]!.claim.metadata).toMatchObject({ name: 'data-db-4', labels: { app: 'db' } });
});

test('stateful set, any changes and any pace, never has two of one ordinal nor breaks its order, and converges', () => {
  const move = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), n: fc.nat(6) }) },
    fc.record({ do: fc.constantFrom('scale' as const, 'update' as const), n: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), fc.nat(5), (moves, replicas) => {
      const w = new World(statefulSet(replicas));
      for (const { do: what, n } of moves) {
        if (what === 'scale') w.set.spec!.replicas = n;
        else if (what === 'update') w.revision = `db-${n}`;
        else w.advance(n);
        const going = w.pods.filter((p) => p.metadata.deletionTimestamp).length;
        const plan = w.step();
        expect(plan.create.length + plan.delete.length).toBeLessThanOrEqual(1);
        // Ordered: nothing new while something is on its way.
        if (going > 0) expect(plan.delete.length).toBe(0);
      }
      w.run();
      expect(w.ordinals()).toEqual(Array.from({ length: w.set.spec!.replicas! }, (_, i) => i));
      expect(new Set(w.pods.map(revisionOf)).size).toBeLessThanOrEqual(1);
      expect(w.ready()).toHaveLength(w.set.spec!.replicas!);
    }),
  );
});

/** Pods 0..n-1 of the revision, ready or not. */
function podsOf(set: StatefulSet, ready: readonly boolean[], revision = 'db-1'): Pod[] {
  return ready.map((isReady, ordinal) => ({
    ...statefulPod(set, ordinal, set.spec!.template, revision),
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  }));
}

const deleted = (set: StatefulSet, pods: readonly Pod[], updateRevision = 'db-1') =>
  planStatefulSet({ set, pods, updateRevision, currentRevision: 'db-1', nowMs: 0 }).delete.map((p) =>
    ordinalOf(set, p),
  );

test.each([
  ['all are well: the last goes', [true, true, true], [2]],
  ['the last is ill and goes first', [true, true, false], [2]],
  ['a lower one is ill: the last has to wait while it is ill too', [true, false, false], []],
  ['a lower one is ill: a last one that is well goes', [true, false, true], [2]],
  ['a pod that is to stay is ill: nobody goes', [false, true, true], []],
])('stateful set, scaled down in order: %s', (_name, ready, expected) => {
  const set = statefulSet(1);
  expect(deleted(set, podsOf(set, ready))).toEqual(expected);
});

test.each([
  [1, [true, true, true, true], [3]],
  [2, [true, true, true, true], [3, 2]],
  ['50%', [true, true, true, true], [3, 2]],
  ['10%', [true, true, true, true], [3]],
])('stateful set, rolled with maxUnavailable %s: as many go at once', (maxUnavailable, ready, expected) => {
  const set = statefulSet(4, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } } });
  expect(deleted(set, podsOf(set, ready), 'db-2')).toEqual(expected);
});
