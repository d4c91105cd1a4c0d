import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CronJob, CronJobSpec, Job } from '../../apis/generated/types/batch/v1.ts';
import { type CronPlan, endOf, planCronJob, referenceTo } from './plan.ts';
import { nextTime, parseSchedule } from './schedule.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace('.000Z', 'Z');

test.each<[string, string | undefined, string, (string | undefined)[]]>([
  ['*/15 * * * *', undefined, '2026-01-01T00:07:30Z', ['2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z']],
  ['0 9-17/4 * * mon-fri', undefined, '2026-01-02T14:00:00Z', ['2026-01-02T17:00:00Z', '2026-01-05T09:00:00Z']],
  [
    '30 4 1,15 * 5',
    undefined,
    '2026-01-01T05:00:00Z',
    ['2026-01-02T04:30:00Z', '2026-01-09T04:30:00Z', '2026-01-15T04:30:00Z'],
  ],
  ['0 0 */10 * 0', undefined, '2026-01-02T00:00:00Z', ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z']],
  ['0 0 29 feb *', undefined, '2026-01-01T00:00:00Z', ['2028-02-29T00:00:00Z']],
  ['0 0 30 2 *', undefined, '2026-01-01T00:00:00Z', [undefined]],
  ['@hourly', undefined, '2026-01-01T00:00:00Z', ['2026-01-01T01:00:00Z']],
  ['@weekly', undefined, '2026-01-01T00:00:00Z', ['2026-01-04T00:00:00Z']],
  ['0 0 * * 7', undefined, '2026-01-01T00:00:00Z', ['2026-01-04T00:00:00Z']],
  ['@every 1h30m', undefined, '2026-01-01T00:00:10Z', ['2026-01-01T01:30:10Z']],
  ['0 8 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T06:00:00Z', '2026-03-30T06:00:00Z']],
  // 02:30 does not exist on 8 March, and 01:30 comes twice on 1 November.
  ['30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', ['2026-03-09T06:30:00Z']],
  [
    '30 1 * * *',
    'America/New_York',
    '2026-11-01T00:00:00Z',
    ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', '2026-11-02T06:30:00Z'],
  ],
  ['0 0 * * *', 'Asia/Kathmandu', '2026-01-01T00:00:00Z', ['2026-01-01T18:15:00Z']],
])('schedule %s (%s), after %s', (text, zone, after, expected) => {
  const schedule = parseSchedule(text, zone);
  let ms: number | undefined = at(after);
  for (const time of expected) {
    ms = nextTime(schedule, ms!);
    expect(iso(ms)).toBe(time);
  }
});

test.each([
  ['* * * *', undefined, 'expected exactly 5 fields, found 4'],
  ['60 * * * *', undefined, 'out of range'],
  ['5-1 * * * *', undefined, 'begins (5) after its end (1)'],
  ['*/0 * * * *', undefined, 'not a step'],
  ['x * * * *', undefined, 'not a number'],
  ['@every 0s', undefined, 'interval is zero'],
  ['* * * * *', 'Mars/Olympus', 'unknown time zone Mars/Olympus'],
])('schedule %s (%s), is refused', (text, zone, message) => {
  expect(() => parseSchedule(text, zone)).toThrow(message);
});

test('schedule, any, comes to a time that is its first match', () => {
  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 2, max: 9 }).map((n) => `*/${n}`),
    );
  const text = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map((f) => f.join(' '));
  fc.assert(
    fc.property(text, fc.integer({ min: at('2026-01-01'), max: at('2027-01-01') }), (t, afterMs) => {
      const schedule = parseSchedule(t);
      const next = nextTime(schedule, afterMs);
      if (next === undefined) return;
      expect(next).toBeGreaterThan(afterMs);
      expect(next % 60_000).toBe(0);
      const asked = Math.floor((afterMs + (next - afterMs) * 0.7) / 60_000) * 60_000;
      if (asked > afterMs && asked < next) expect(nextTime(schedule, asked)).toBe(next);
      const time = new Date(next);
      expect(schedule.minutes.has(time.getUTCMinutes()) && schedule.hours.has(time.getUTCHours())).toBe(true);
      expect(schedule.months.has(time.getUTCMonth() + 1)).toBe(true);
    }),
  );
});

/** A CronJob whose Jobs end when told. */
class World {
  cronJob: CronJob;
  jobs: Job[] = [];
  nowMs = at('2026-01-01T00:00:00Z');

  constructor(spec: Partial<CronJobSpec> = {}) {
    this.cronJob = {
      metadata: { name: 'tick', namespace: 'ns', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { schedule: '*/10 * * * *', jobTemplate: {}, concurrencyPolicy: 'Allow', ...spec } as CronJobSpec,
    };
  }

  step(): CronPlan {
    const plan = planCronJob({ cronJob: this.cronJob, jobs: this.jobs, nowMs: this.nowMs });
    const gone = new Set([...plan.expire, ...plan.replace]);
    this.jobs = this.jobs.filter((job) => !gone.has(job));
    let { status } = plan;
    if (plan.start) {
      const job = { ...plan.start.job, metadata: { ...plan.start.job.metadata, uid: plan.start.job.metadata.name! } };
      this.jobs.push(job);
      const active = [...this.jobs.filter((j) => !endOf(j)).map(referenceTo)];
      status = { ...status, active, lastScheduleTime: iso(plan.start.scheduledMs)! };
    }
    this.cronJob = { ...this.cronJob, status };
    return plan;
  }

  pass(minutes: number): CronPlan {
    this.nowMs += minutes * 60_000;
    return this.step();
  }

  end(type: 'Complete' | 'Failed', at = 0): void {
    const job = this.jobs.filter((j) => !endOf(j))[at];
    if (job)
      job.status = {
        conditions: [{ type, status: 'True' }],
        startTime: iso(this.nowMs)!,
        completionTime: iso(this.nowMs)!,
      };
  }
}

test('cron job, its time comes, starts one Job named for the minute, and looks again at the next', () => {
  const w = new World({ timeZone: 'Asia/Kathmandu' });
  expect(w.step().requeueAfterMs).toBe(5 * 60_000 + 100);
  const { start } = w.pass(5);
  expect(start!.job.metadata).toMatchObject({
    name: `tick-${at('2026-01-01T00:05:00Z') / 60_000}`,
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T05:50:00+05:45' },
    ownerReferences: [{ kind: 'CronJob', controller: true }],
  });
  expect(w.step().start).toBeUndefined();
});

test.each([
  ['Allow', 2, 0],
  ['Forbid', 1, 0],
  ['Replace', 1, 1],
])('cron job, one still runs, %s', (concurrencyPolicy, jobs, replaced) => {
  const w = new World({ concurrencyPolicy });
  w.pass(10);
  const plan = w.pass(10);
  expect(w.jobs).toHaveLength(jobs);
  expect(plan.replace).toHaveLength(replaced);
});

test('cron job, suspended, does nothing; unparseable, says so', () => {
  expect(new World({ suspend: true }).pass(100).start).toBeUndefined();
  expect(new World({ schedule: 'x' }).pass(100).events[0]!.reason).toBe('UnparseableSchedule');
});

test('cron job, away for a year, starts the newest time alone, and warns', () => {
  const w = new World({ schedule: '* * * * *' });
  const plan = w.pass(365 * 24 * 60);
  expect(iso(plan.start!.scheduledMs)).toBe('2027-01-01T00:00:00Z');
  expect(plan.events.map((e) => e.reason)).toEqual(['TooManyMissedTimes']);
  expect(w.jobs).toHaveLength(1);
});

test('cron job, too late for its deadline, does not start', () => {
  const w = new World({ startingDeadlineSeconds: 60 });
  expect(w.pass(15).start).toBeUndefined();
  expect(w.pass(5.5).start).toBeDefined();
});

test('cron job, finished Jobs past the limits go, oldest first; the last success is remembered', () => {
  const w = new World({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (const type of ['Complete', 'Failed', 'Complete', 'Failed', 'Complete'] as const) {
    w.pass(10);
    w.end(type);
  }
  const plan = w.step();
  expect(plan.expire).toHaveLength(1);
  expect(w.jobs.map(endOf)).toEqual(['Complete', 'Failed', 'Complete']);
  expect(w.cronJob.status).toMatchObject({ lastSuccessfulTime: '2026-01-01T00:50:00Z' });
  expect(w.cronJob.status!.active).toBeUndefined();
});
