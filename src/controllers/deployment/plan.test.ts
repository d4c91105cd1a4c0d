import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import { findCondition } from '../common/conditions.ts';
import { type DeploymentPlan, planDeployment } from './plan.ts';
import { maxSurge, maxUnavailable, size, sizeOf } from './replicas.ts';
import { annotation, templateHash } from './revision.ts';

const startMs = Date.UTC(2026, 0, 1);

function deployment(replicas: number, image = 'a', more: Partial<NonNullable<Deployment['spec']>> = {}): Deployment {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'd-uid', generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...more,
    },
  };
}

/** A world of ReplicaSets that obey, with pods that become ready when told. */
class World {
  d: Deployment;
  sets: ReplicaSet[] = [];
  nowMs = startMs;
  events: string[] = [];
  #made = 0;

  constructor(d: Deployment) {
    this.d = d;
  }

  step(oldPodsRun = () => this.sets.some((rs) => (rs.status?.replicas ?? 0) > 0 && size(rs) === 0)): DeploymentPlan {
    const plan = planDeployment({ deployment: this.d, replicaSets: this.sets, oldPodsRun, nowMs: this.nowMs });
    for (const action of plan.actions) {
      const { replicaSet } = action;
      const { uid = '' } = replicaSet.metadata;
      if (action.kind === 'create') {
        const metadata: ReplicaSet['metadata'] = {
          ...action.replicaSet.metadata,
          uid: `rs-${++this.#made}`,
          creationTimestamp: `2026-01-01T00:00:0${this.#made}Z`,
        };
        this.sets.push({ ...action.replicaSet, metadata, status: { replicas: 0 } });
        this.events.push(`create ${size(replicaSet)}`);
      } else if (action.kind === 'update') {
        this.sets = this.sets.map((rs) => (rs.metadata.uid === uid ? action.replicaSet : rs));
        if (action.from !== action.to) this.events.push(`${uid} ${action.from}->${action.to}`);
      } else {
        this.sets = this.sets.filter((rs) => rs.metadata.uid !== uid);
        this.events.push(`delete ${uid}`);
      }
    }
    const annotations: Record<string, string> = { ...this.d.metadata.annotations };
    if (plan.revision) annotations[annotation.revision] = plan.revision;
    this.d = {
      ...this.d,
      metadata: { ...this.d.metadata, annotations },
      status: plan.status as NonNullable<Deployment['status']>,
    };
    return plan;
  }

  /** The ReplicaSet's controller makes and deletes pods; `ready` of those that are not yet so become available. */
  settle(rs: ReplicaSet, ready: number): void {
    const available = Math.min(size(rs), (rs.status?.availableReplicas ?? 0) + ready);
    rs.status = { replicas: size(rs), readyReplicas: available, availableReplicas: available, observedGeneration: 1 };
  }

  run(rounds = 60): void {
    for (let i = 0; i < rounds; i++) {
      this.step();
      for (const rs of this.sets) this.settle(rs, 100);
    }
  }

  sizes(): Record<string, number> {
    return Object.fromEntries(this.sets.map((rs) => [rs.spec!.template!.spec!.containers[0]!.image!, size(rs)]));
  }
}

const condition = (world: World, type: string) => findCondition(world.d.status?.conditions, type);

test('deployment, first rollout, makes a ReplicaSet of full size with hash, revision and owner', () => {
  const world = new World(deployment(3));
  const plan = world.step();
  expect(plan.actions).toHaveLength(1);
  const hash = templateHash(world.d.spec!.template, undefined);
  expect(world.sets[0]).toMatchObject({
    metadata: {
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: {
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
      ownerReferences: [{ kind: 'Deployment', uid: 'd-uid', controller: true, blockOwnerDeletion: true }],
    },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } } },
  });
  expect(plan.revision).toBe('1');
  expect(condition(world, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetCreated' });
  expect(condition(world, 'Available')).toMatchObject({ status: 'False', reason: 'MinimumReplicasUnavailable' });
  world.run(3);
  expect(condition(world, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  expect(condition(world, 'Available')).toMatchObject({ status: 'True' });
  expect(world.d.status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  });
});

test('deployment, complete, plans nothing', () => {
  const world = new World(deployment(3));
  world.run(5);
  const before = world.d.status;
  const plan = world.step();
  expect(plan.actions).toEqual([]);
  expect(plan.status).toEqual(before);
  expect(plan.requeueAfterMs).toBeUndefined();
});

test('deployment, template changed and changed back, rolls over and reuses the old ReplicaSet as a new revision', () => {
  const world = new World(deployment(4, 'a'));
  world.run(5);
  world.d.spec = deployment(4, 'b').spec!;
  world.run();
  expect(world.sizes()).toEqual({ a: 0, b: 4 });
  expect(world.d.metadata.annotations![annotation.revision]).toBe('2');
  world.d.spec = deployment(4, 'a').spec!;
  world.run();
  expect(world.sizes()).toEqual({ a: 4, b: 0 });
  expect(world.d.metadata.annotations![annotation.revision]).toBe('3');
  expect(world.sets[0]!.metadata.annotations).toMatchObject({
    [annotation.revision]: '3',
    [annotation.revisionHistory]: '1',
  });
});

test('deployment, history over its limit, keeps the newest empty ReplicaSets', () => {
  const world = new World(deployment(2, 'a', { revisionHistoryLimit: 2 }));
  for (const image of ['a', 'b', 'c', 'd', 'e']) {
    world.d.spec = deployment(2, image, { revisionHistoryLimit: 2 }).spec!;
    world.run(20);
  }
  expect(world.sizes()).toEqual({ c: 0, d: 0, e: 2 });
});

test('deployment, recreate, makes no new pod while an old one runs', () => {
  const recreate = { strategy: { type: 'Recreate' } };
  const world = new World(deployment(3, 'a', recreate));
  world.run(5);
  world.d.spec = deployment(3, 'b', recreate).spec!;
  world.step();
  expect(world.sizes()).toEqual({ a: 0 });
  world.step(() => true);
  expect(world.sizes()).toEqual({ a: 0 });
  world.settle(world.sets[0]!, 0);
  world.step(() => false);
  expect(world.sizes()).toEqual({ a: 0, b: 3 });
});

test('deployment, paused, scales but does not roll out; resumed, goes on', () => {
  const world = new World(deployment(4, 'a'));
  world.run(5);
  world.d.spec = deployment(6, 'b', { paused: true }).spec!;
  world.run(5);
  expect(world.sizes()).toEqual({ a: 6 });
  expect(condition(world, 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
  world.d.spec!.paused = false;
  world.step();
  expect(condition(world, 'Progressing')?.reason).not.toBe('DeploymentPaused');
  world.run();
  expect(world.sizes()).toEqual({ a: 0, b: 6 });
});

test('deployment, resized in the middle of a rollout, shares the change in proportion', () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  const world = new World(deployment(10, 'a', { strategy }));
  world.run(5);
  world.d.spec = deployment(10, 'b', { strategy }).spec!;
  for (let i = 0; i < 3; i++) world.step();
  expect(world.sizes()).toEqual({ a: 8, b: 5 });
  world.d.spec!.replicas = 20;
  world.step();
  // 23 in all: 8 and 5 grown by 23/13, what is left over to the bigger.
  expect(world.sizes()).toEqual({ a: 14, b: 9 });
  for (const rs of world.sets) expect(rs.metadata.annotations![annotation.desiredReplicas]).toBe('20');
});

test('deployment, no progress within its deadline, says so when the time has come', () => {
  const world = new World(deployment(3));
  world.step();
  for (const rs of world.sets) world.settle(rs, 0);
  const plan = world.step();
  expect(plan.requeueAfterMs).toBe(601_000);
  world.nowMs += 601_000;
  world.step();
  expect(condition(world, 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: expect.stringMatching(/^ReplicaSet "web-.*" has timed out progressing\.$/),
  });
});

const intOrPercent = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 100 }).map((p) => `${p}%`),
);

test('deployment, rolling update with any limits and any pods, keeps to surge and availability, and completes', () => {
  const scenario = fc.record({
    replicas: fc.integer({ min: 1, max: 12 }),
    maxSurge: intOrPercent,
    maxUnavailable: intOrPercent,
    rollouts: fc.integer({ min: 1, max: 3 }),
    moves: fc.array(fc.record({ set: fc.nat(5), ready: fc.nat(4) }), { maxLength: 40 }),
  });
  fc.assert(
    fc.property(scenario, ({ replicas, moves, rollouts, ...rollingUpdate }) => {
      const strategy = { type: 'RollingUpdate', rollingUpdate };
      const world = new World(deployment(replicas, 'start', { strategy }));
      world.run(4);
      const most = replicas + maxSurge(world.d);
      const least = replicas - maxUnavailable(world.d);
      const check = () => {
        expect(sizeOf(world.sets)).toBeLessThanOrEqual(most);
        // Even if every pod that a ReplicaSet is to lose were an available one.
        const available = world.sets.reduce((n, rs) => n + Math.min(size(rs), rs.status?.availableReplicas ?? 0), 0);
        expect(available).toBeGreaterThanOrEqual(least);
      };
      for (let r = 0; r < rollouts; r++) {
        world.d = { ...world.d, spec: deployment(replicas, `v${r}`, { strategy }).spec! };
        for (const move of moves) {
          world.step();
          check();
          const rs = world.sets[move.set % world.sets.length]!;
          world.settle(rs, move.ready);
          check();
        }
      }
      world.run();
      expect(world.sizes()[`v${rollouts - 1}`]).toBe(replicas);
      expect(sizeOf(world.sets)).toBe(replicas);
      expect(condition(world, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
    }),
  );
});

test('deployment, adopted ReplicaSet of a revision past 2^53, goes on counting from it exactly', () => {
  const world = new World(deployment(1, 'a'));
  world.run(3);
  world.sets[0]!.metadata.annotations = {
    ...world.sets[0]!.metadata.annotations,
    [annotation.revision]: '3546343826724305832',
  };
  world.d.spec = deployment(1, 'b').spec!;
  world.run(5);
  expect(world.d.metadata.annotations![annotation.revision]).toBe('3546343826724305833');
});
