import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job, JobSpec } from '../../apis/generated/types/batch/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { findCondition } from '../common/conditions.ts';
import { indexesText, parseIndexes } from './indexes.ts';
import { type Failures, isJobFinished, type JobPlan, planJob, trackingFinalizer } from './plan.ts';
import { failuresAnnotation, ignoredFailuresAnnotation, indexAnnotation } from './policies.ts';

const startMs = Date.UTC(2026, 0, 1);

/** A Job whose pods end as they are told, with every write of a plan taking effect, or not. */
class World {
  job: Job;
  pods: Pod[] = [];
  nowMs = startMs;
  failures: Failures = { count: 0, lastMs: 0 };
  events: string[] = [];
  #made = 0;

  constructor(spec: Partial<JobSpec>) {
    const template = { spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } };
    this.job = {
      metadata: { name: 'j', namespace: 'ns' },
      spec: { template, parallelism: 1, backoffLimit: 6, ...spec },
    };
  }

  step(crash: 'no' | 'afterStatus' = 'no'): JobPlan {
    const plan = planJob({ job: this.job, pods: this.pods, failures: this.failures, nowMs: this.nowMs });
    this.job = { ...this.job, status: plan.status };
    if (crash === 'afterStatus') {
      this.failures = { count: 0, lastMs: 0 };
      return plan;
    }
    this.failures = plan.failures;
    this.events.push(...plan.events.map((e) => e.reason));
    const released = new Set(plan.release);
    for (const pod of this.pods) if (released.has(pod)) delete pod.metadata.finalizers;
    for (const pod of this.pods) if (plan.delete.includes(pod)) pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    for (const index of plan.create) {
      this.#made++;
      this.pods.push({
        metadata: {
          name: `p${this.#made}`,
          uid: `u${this.#made}`,
          finalizers: [trackingFinalizer],
          ...(index === undefined
            ? {}
            : {
                annotations: {
                  [indexAnnotation]: String(index),
                  [failuresAnnotation]: String(plan.indexFailures.get(index)?.counted ?? 0),
                  [ignoredFailuresAnnotation]: String(plan.indexFailures.get(index)?.ignored ?? 0),
                },
              }),
        },
        status: { phase: 'Running' },
      });
    }
    // What is deleted and held by nothing is gone.
    this.pods = this.pods.filter((pod) => !pod.metadata.deletionTimestamp || pod.metadata.finalizers);
    return plan;
  }

  get active(): Pod[] {
    return this.pods.filter((p) => p.status!.phase === 'Running' && !p.metadata.deletionTimestamp);
  }

  end(phase: 'Succeeded' | 'Failed', at = 0): void {
    const pod = this.active[at];
    if (pod) pod.status = { phase };
  }

  settle(): void {
    for (let i = 0; i < 6; i++) this.step();
  }

  condition = (type: string) => findCondition(this.job.status?.conditions, type);
}

test('job, one pod that succeeds, is complete once it is counted', () => {
  const w = new World({ completions: 1 });
  w.step();
  expect(w.active).toHaveLength(1);
  w.end('Succeeded');
  const { release, status } = w.step();
  // Written down first, released after.
  expect(release).toEqual([]);
  expect(status.uncountedTerminatedPods).toEqual({ succeeded: ['u1'] });
  w.settle();
  expect(w.job.status).toMatchObject({
    succeeded: 1,
    uncountedTerminatedPods: {},
    completionTime: '2026-01-01T00:00:00Z',
  });
  expect(w.condition('Complete')).toMatchObject({ status: 'True', reason: 'CompletionsReached' });
  expect(w.condition('SuccessCriteriaMet')?.status).toBe('True');
  expect(w.pods[0]!.metadata.finalizers).toBeUndefined();
  expect(w.events).toEqual(['Completed']);
});

test('job, pods that fail, are tried again after 10 s doubling, until the limit', () => {
  const w = new World({ completions: 1, backoffLimit: 2 });
  w.step();
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < 2; i++) {
    w.end('Failed');
    const plan = w.step();
    waits.push(plan.requeueAfterMs);
    w.settle();
    expect(w.active).toHaveLength(0);
    w.nowMs += plan.requeueAfterMs!;
    w.step();
    expect(w.active).toHaveLength(1);
  }
  expect(waits).toEqual([10_000, 20_000]);
  w.end('Failed');
  w.settle();
  expect(w.condition('Failed')).toMatchObject({ status: 'True', reason: 'BackoffLimitExceeded' });
  expect(w.job.status).toMatchObject({ failed: 3 });
});

test('job, past its deadline, loses its pods and has failed', () => {
  const w = new World({ completions: 3, parallelism: 3, activeDeadlineSeconds: 60 });
  expect(w.step().requeueAfterMs).toBe(60_000);
  w.nowMs += 60_000;
  w.settle();
  expect(w.active).toEqual([]);
  expect(w.condition('Failed')).toMatchObject({ reason: 'DeadlineExceeded' });
});

test('job, suspended and resumed, has pods only while it is not', () => {
  const w = new World({ completions: 2, parallelism: 2 });
  w.step();
  w.job.spec!.suspend = true;
  w.settle();
  expect(w.active).toEqual([]);
  expect(w.job.status!.startTime).toBeUndefined();
  expect(w.condition('Suspended')).toMatchObject({ status: 'True', reason: 'JobSuspended' });
  w.job.spec!.suspend = false;
  w.nowMs += 3_600_000;
  w.settle();
  expect(w.active).toHaveLength(2);
  expect(w.job.status!.startTime).toBe('2026-01-01T01:00:00Z');
});

test('job, work queue, is complete when one has succeeded and the others have ended', () => {
  const w = new World({ parallelism: 3 });
  w.step();
  w.end('Succeeded');
  w.settle();
  expect(w.active).toHaveLength(2);
  expect(isJobFinished(w.job)).toBe(false);
  w.end('Succeeded');
  w.end('Succeeded');
  w.settle();
  expect(w.job.status).toMatchObject({ succeeded: 3 });
  expect(isJobFinished(w.job)).toBe(true);
});

test('job, on failure, counts the restarts of its containers', () => {
  const template = { spec: { containers: [{ name: 'c' }], restartPolicy: 'OnFailure' } };
  const w = new World({ completions: 1, backoffLimit: 3, template });
  w.step();
  w.active[0]!.status = { phase: 'Running', containerStatuses: [{ name: 'c', restartCount: 3 } as never] };
  w.settle();
  expect(w.condition('Failed')?.reason).toBe('BackoffLimitExceeded');
});

const any = fc.record({
  completions: fc.integer({ min: 1, max: 6 }),
  parallelism: fc.integer({ min: 1, max: 4 }),
  indexed: fc.boolean(),
  moves: fc.array(
    fc.record({
      end: fc.constantFrom('Succeeded' as const, 'Failed' as const, 'none' as const),
      at: fc.nat(3),
      crash: fc.boolean(),
    }),
    { maxLength: 40 },
  ),
});

test('job, any ends and crashes in between, counts each end once, has never too many pods, and completes', () => {
  fc.assert(
    fc.property(any, ({ completions, parallelism, indexed, moves }) => {
      const w = new World({
        completions,
        parallelism,
        backoffLimit: 1000,
        completionMode: indexed ? 'Indexed' : 'NonIndexed',
      });
      let succeeded = 0;
      let failed = 0;
      const end = (phase: 'Succeeded' | 'Failed', at: number) => {
        if (w.active.length === 0) return;
        w.end(phase, at % w.active.length);
        if (phase === 'Succeeded') succeeded++;
        else failed++;
      };
      for (const move of moves) {
        w.step(move.crash ? 'afterStatus' : 'no');
        expect(w.active.length).toBeLessThanOrEqual(parallelism);
        if (move.end !== 'none') end(move.end, move.at);
        w.nowMs += 5_000;
      }
      for (let i = 0; i < 60 && !isJobFinished(w.job); i++) {
        w.step();
        w.nowMs += 600_000;
        end('Succeeded', 0);
      }
      w.settle();
      expect(w.condition('Complete')?.status).toBe('True');
      expect(w.job.status).toMatchObject({ uncountedTerminatedPods: {} });
      expect(w.job.status!.succeeded).toBe(completions);
      expect(succeeded).toBe(completions);
      expect(w.job.status!.failed ?? 0).toBe(failed);
      if (indexed) expect(parseIndexes(w.job.status!.completedIndexes, completions).size).toBe(completions);
      for (const pod of w.pods) expect(pod.metadata.finalizers).toBeUndefined();
    }),
  );
});

test.each([
  ['', []],
  ['3', [3]],
  ['0,1', [0, 1]],
  ['0-2,5,7,8', [0, 1, 2, 5, 7, 8]],
])('completion indexes %s', (text, indexes) => {
  expect([...parseIndexes(text, 100)]).toEqual(indexes);
  expect(indexesText(new Set(indexes))).toBe(text);
});

/** Ends the running pod of an index (or the only one) with this exit code, and lets the back-off pass. */
function end(world: World, exitCode: number, index?: number, conditions: object[] = []): void {
  const pod = world.active.find(
    (p) => index === undefined || p.metadata.annotations?.[indexAnnotation] === String(index),
  )!;
  const finishedAt = new Date(world.nowMs).toISOString();
  pod.status = {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: conditions as never,
    containerStatuses: [{ name: 'c', state: { terminated: { exitCode, finishedAt } } }] as never,
  };
}

function settle(world: World): void {
  for (let i = 0; i < 6; i++) {
    // The kubelet ends what is to go.
    for (const pod of world.pods)
      if (pod.metadata.deletionTimestamp && pod.status!.phase === 'Running') pod.status!.phase = 'Failed';
    world.step();
    world.nowMs += 600_000;
  }
}

const outcome = (world: World) => {
  const ended = ['Complete', 'Failed'].map((type) => findCondition(world.job.status?.conditions, type)).find((c) => c);
  const { succeeded = 0, failed = 0, completedIndexes, failedIndexes } = world.job.status ?? {};
  return [ended?.type, ended?.reason, ended?.message, succeeded, failed, completedIndexes, failedIndexes];
};

test('job, a rule on an exit code, ends at once with the reason', () => {
  const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }];
  const world = new World({ parallelism: 2, completions: 2, podFailurePolicy: { rules } });
  world.step();
  world.pods[0]!.metadata.namespace = 'ns';
  end(world, 42);
  settle(world);
  const message = 'Container c for pod ns/p1 failed with exit code 42 matching FailJob rule at index 0';
  expect(outcome(world).slice(0, 3)).toEqual(['Failed', 'PodFailurePolicy', message]);
  expect(world.active).toEqual([]);
});

test('job, a rule that ignores disruptions, does not count them', () => {
  const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
  const world = new World({ completions: 1, backoffLimit: 0, podFailurePolicy: { rules } });
  world.step();
  end(world, 137, undefined, [{ type: 'DisruptionTarget', status: 'True' }]);
  settle(world);
  end(world, 0);
  settle(world);
  expect(outcome(world).slice(0, 5)).toEqual([
    'Complete',
    'CompletionsReached',
    'Reached expected number of succeeded pods',
    1,
    0,
  ]);
});

test('job, with a limit per index, goes on with the others, and says which failed', () => {
  const world = new World({ completionMode: 'Indexed', parallelism: 3, completions: 3, backoffLimitPerIndex: 1 });
  world.step();
  end(world, 0, 0);
  end(world, 1, 1);
  settle(world);
  expect(world.active.map((p) => p.metadata.annotations![failuresAnnotation]).sort()).toEqual(['0', '1']);
  end(world, 1, 1);
  end(world, 0, 2);
  settle(world);
  expect(outcome(world)).toEqual(['Failed', 'FailedIndexes', 'Job has failed indexes', 2, 2, '0,2', '1']);
});

test('job, with a rule that fails the index, does not try it again; too many of them end the Job', () => {
  const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [42] } }];
  const spec = {
    completionMode: 'Indexed',
    parallelism: 2,
    completions: 4,
    backoffLimitPerIndex: 5,
    maxFailedIndexes: 1,
  };
  const world = new World({ ...spec, podFailurePolicy: { rules } });
  world.step();
  end(world, 42, 0);
  settle(world);
  expect(world.job.status?.failedIndexes).toBe('0');
  expect(world.active.map((p) => p.metadata.annotations![indexAnnotation]).sort()).toEqual(['1', '2']);
  end(world, 42, 1);
  settle(world);
  expect(outcome(world).slice(0, 2)).toEqual(['Failed', 'MaxFailedIndexesExceeded']);
});

test.each([
  ['enough of any', [{ succeededCount: 1 }]],
  ['all of those named', [{ succeededIndexes: '1-2' }, { succeededIndexes: '0' }]],
  ['enough of those named', [{ succeededIndexes: '0,2', succeededCount: 1 }]],
])('job, with a success policy, is complete once %s have succeeded', (_name, rules) => {
  const world = new World({ completionMode: 'Indexed', parallelism: 3, completions: 3, successPolicy: { rules } });
  world.step();
  end(world, 0, 0);
  settle(world);
  expect(outcome(world)).toMatchObject({ 0: 'Complete', 1: 'SuccessPolicy', 3: 1, 5: '0' });
  expect(world.active).toEqual([]);
});
