import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { SeededRandom } from '../../base/random.ts';
import type { RuntimeContainer, RuntimePod } from '../pods/runtime-pod.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import { ProbeManager } from './probe-manager.ts';
import type { ProbeResult } from './prober.ts';

const period = 10;
const probe = (command: string, extra: object = {}) => ({
  exec: { command: [command] },
  periodSeconds: period,
  ...extra,
});

/** One container with these probes; `answers` says what each probe finds, by its command. */
function setUp(spec: Partial<ContainerSpec>) {
  const clock = new FakeClock({ defer: setImmediate });
  const answers: Record<string, ProbeResult['outcome']> = {};
  const asked: string[] = [];
  const events: string[] = [];
  let changes = 0;
  const manager = new ProbeManager({
    clock,
    random: new SeededRandom(1),
    recorder: {
      pod: () => {},
      container: (_pod, _name, type, reason, message) => events.push(`${type} ${reason} ${message}`),
    },
    onChange: () => changes++,
    prober: async ({ exec }) => {
      const command = exec!.command![0]!;
      asked.push(command);
      return { outcome: answers[command] ?? 'success', output: `${command} says` };
    },
  });
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'main', ...spec }] },
  };
  const runtime = { sandboxes: [], containers: [{ id: 'c', name: 'main', state: 'running', startedMs: clock.now() }] };
  const sync = (of: Pod = pod, containers = runtime.containers) =>
    manager.sync(
      of,
      { ...runtime, containers: containers as never as RuntimeContainer[] } as never as RuntimePod,
      '10.0.0.1',
    );
  sync();
  return { clock, manager, answers, asked, events, sync, pod, changes: () => changes };
}

type Setup = ReturnType<typeof setUp>;
let current: Setup | undefined;
const start = (spec: Partial<ContainerSpec>): Setup => (current = setUp(spec));
afterEach(() => {
  current?.manager.stop();
  // A probe left behind would keep a stopped kubelet alive.
  expect(current?.clock.waiting()).toEqual([]);
});

describe('probes of a container', () => {
  it('without any, it is started, ready and alive', () => {
    const { manager } = start({});
    expect([manager.started('c'), manager.ready('c'), manager.livenessFailed('c')]).toEqual([true, true, false]);
  });

  it('readiness begins low, and follows its thresholds both ways', async () => {
    const { clock, manager, answers, changes } = start({
      readinessProbe: probe('ready', { successThreshold: 2, failureThreshold: 2 }),
    });
    expect(manager.ready('c')).toBe(false);
    await clock.advance(0);
    expect(manager.ready('c')).toBe(false);
    await clock.advance(period * 1000);
    expect([manager.ready('c'), changes()]).toEqual([true, 1]);
    answers['ready'] = 'failure';
    await clock.advance(period * 1000);
    expect(manager.ready('c')).toBe(true);
    await clock.advance(period * 1000);
    expect([manager.ready('c'), changes()]).toEqual([false, 2]);
  });

  it('liveness begins well, waits its delay, and fails after three in a row', async () => {
    const { clock, manager, answers, asked, events } = start({
      livenessProbe: probe('live', { initialDelaySeconds: 25 }),
    });
    answers['live'] = 'failure';
    await clock.advance(24_999);
    expect(asked).toEqual([]);
    await clock.advance(1 + 2 * period * 1000 - 1);
    expect([asked.length, manager.livenessFailed('c')]).toEqual([2, false]);
    await clock.advance(1);
    expect(manager.livenessFailed('c')).toBe(true);
    expect(events).toEqual(Array(3).fill('Warning Unhealthy Liveness probe failed: live says'));
    // It is being killed: nothing more is asked of it.
    await clock.advance(10 * period * 1000);
    expect(asked).toHaveLength(3);
  });

  it('one success between failures starts the count anew', async () => {
    const { clock, manager, answers } = start({ livenessProbe: probe('live') });
    const outcomes = ['failure', 'failure', 'success', 'failure', 'failure'] as const;
    for (const [i, outcome] of outcomes.entries()) {
      answers['live'] = outcome;
      // The first look is at once.
      await clock.advance(i === 0 ? 0 : period * 1000);
    }
    expect(manager.livenessFailed('c')).toBe(false);
  });

  it('a startup probe holds the others up, and when it never succeeds fails', async () => {
    const { clock, manager, answers, asked } = start({
      startupProbe: probe('startup', { failureThreshold: 2 }),
      livenessProbe: probe('live'),
      readinessProbe: probe('ready'),
    });
    answers['startup'] = 'failure';
    await clock.advance(period * 1000 - 1);
    expect([...new Set(asked)]).toEqual(['startup']);
    expect([manager.started('c'), manager.startupFailed('c')]).toEqual([false, false]);
    await clock.advance(1);
    expect(manager.startupFailed('c')).toBe(true);
  });

  it('after a startup probe has succeeded the others begin within a second', async () => {
    const { clock, manager, asked } = start({ startupProbe: probe('startup'), readinessProbe: probe('ready') });
    await clock.advance(1000);
    expect(manager.started('c')).toBe(true);
    await clock.advance(1000);
    expect([asked.filter((what) => what === 'startup').length, manager.ready('c')]).toEqual([1, true]);
  });

  it('a probe that cannot be made counts neither way', async () => {
    const { clock, manager, answers } = start({ livenessProbe: probe('live', { failureThreshold: 1 }) });
    answers['live'] = 'unknown';
    await clock.advance(5 * period * 1000);
    expect(manager.livenessFailed('c')).toBe(false);
  });

  it('what is being deleted is no longer restarted, but may still become unready', async () => {
    const { clock, manager, answers, asked, sync, pod } = start({
      livenessProbe: probe('live', { failureThreshold: 1 }),
      readinessProbe: probe('ready', { failureThreshold: 1 }),
    });
    await clock.advance(0);
    sync({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    answers['live'] = answers['ready'] = 'failure';
    asked.length = 0;
    await clock.advance(period * 1000);
    expect([asked, manager.livenessFailed('c'), manager.ready('c')]).toEqual([['ready'], false, false]);
  });

  it('a restart of the kubelet keeps what an earlier one has found, until it knows better', async () => {
    const { clock, manager, answers, sync, pod } = start({});
    const probes = { startupProbe: probe('startup'), readinessProbe: probe('ready', { failureThreshold: 1 }) };
    const status = { containerStatuses: [{ name: 'main', containerID: 'containerd://c', ready: true, started: true }] };
    answers['ready'] = 'failure';
    sync({ ...pod, spec: { containers: [{ name: 'main', ...probes }] }, status: status as never });
    expect([manager.started('c'), manager.ready('c')]).toEqual([true, true]);
    await clock.advance(0);
    expect([manager.started('c'), manager.ready('c')]).toEqual([true, false]);
  });

  it('a container that is gone takes its probes with it', async () => {
    const { clock, asked, sync, pod } = start({ livenessProbe: probe('live') });
    sync(pod, []);
    await clock.advance(100_000);
    expect(asked).toEqual([]);
  });
});
