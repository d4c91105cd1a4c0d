import { describe, expect, it } from 'vitest';
import { containerHash } from '../containers/labels.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import { planPod, type PodPlan, type ProbeVerdicts } from './plan.ts';
import { CrashBackoff } from './restart.ts';
import type { RuntimeContainer, RuntimePod } from './runtime-pod.ts';

const nowMs = 1_000_000;
const spec = (name: string, extra: Partial<ContainerSpec> = {}): ContainerSpec => ({ name, image: 'app:1', ...extra });
const pod = (fields: object): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [spec('main')], ...fields },
});
const ran = (
  name: string,
  state: RuntimeContainer['state'],
  extra: Partial<RuntimeContainer> = {},
): RuntimeContainer => ({
  id: `id-${name}`,
  sandboxId: 's0',
  name,
  state,
  restartCount: 0,
  hash: containerHash(spec(name)),
  createdMs: 0,
  startedMs: 0,
  finishedMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: 'app:1',
  imageRef: '',
  logPath: '',
  ...extra,
});
const ready = { id: 's0', attempt: 0, ready: true, createdMs: 0, ips: ['10.0.0.1'] };
const runtime = (containers: RuntimeContainer[], sandboxes = [ready]): RuntimePod => ({
  uid: 'u',
  name: 'p',
  namespace: 'ns',
  sandboxes,
  containers,
});
const healthy: ProbeVerdicts = { started: () => true, startupFailed: () => false, livenessFailed: () => false };
const plan = (p: Pod, r: RuntimePod, probes = healthy, backoff = new CrashBackoff()) =>
  planPod({ pod: p, runtime: r, probes, backoff, nowMs });

/** In short: `sandbox 0`, `kill a`, `start b#1`, `wait c`, `finished`. */
function summary(p: PodPlan): string {
  if (p.kind === 'finished') return 'finished';
  return [
    ...(p.newSandbox ? [`sandbox ${p.newSandbox.attempt}`] : []),
    ...p.staleSandboxes.map((id) => `stop ${id}`),
    ...p.kill.map((k) => `kill ${k.container.name}:${k.reason}`),
    ...p.resize.map((r) => `resize ${r.container.name}:${r.changes}`),
    ...p.start.map((s) => `start ${s.spec.name}#${s.restartCount}`),
    ...p.backoffs.map((b) => `wait ${b.container}`),
  ].join(', ');
}

const sized = (cpu: string, extra: Partial<ContainerSpec> = {}) =>
  spec('main', { resources: { limits: { cpu } }, ...extra });
const had = { resources: { limits: { cpu: '1' } } };
const restart = { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] };

const init = { initContainers: [spec('i1'), spec('i2')] };
const sidecar = { initContainers: [spec('side', { restartPolicy: 'Always' }), spec('i2')] };
const failed = { exitCode: 1 };

describe('plan of a pod', () => {
  it.each<[string, object, RuntimePod, string]>([
    ['nothing yet', {}, runtime([], []), 'sandbox 0, start main#0'],
    ['a sandbox and no container', {}, runtime([]), 'start main#0'],
    ['all running', {}, runtime([ran('main', 'running')]), ''],
    ['made but not started', {}, runtime([ran('main', 'created')]), 'start main#0'],
    ['ended, Always', {}, runtime([ran('main', 'exited')]), 'start main#1'],
    ['succeeded, OnFailure', { restartPolicy: 'OnFailure' }, runtime([ran('main', 'exited')]), 'finished'],
    ['failed, OnFailure', { restartPolicy: 'OnFailure' }, runtime([ran('main', 'exited', failed)]), 'start main#1'],
    ['failed, Never', { restartPolicy: 'Never' }, runtime([ran('main', 'exited', failed)]), 'finished'],
    [
      'one of two still runs, Never',
      { restartPolicy: 'Never', containers: [spec('a'), spec('b')] },
      runtime([ran('a', 'exited'), ran('b', 'running')]),
      '',
    ],
    ['more cpu', { containers: [sized('2')] }, runtime([ran('main', 'running', had)]), 'resize main:cpu'],
    ['as much cpu', { containers: [sized('1000m')] }, runtime([ran('main', 'running', had)]), ''],
    [
      'more cpu, by a restart',
      { containers: [sized('2', restart)] },
      runtime([ran('main', 'running', had)]),
      'kill main:resize, start main#1',
    ],
    ['init: nothing yet', init, runtime([], []), 'sandbox 0, start i1#0'],
    ['init: first runs', init, runtime([ran('i1', 'running')]), ''],
    ['init: first is done', init, runtime([ran('i1', 'exited')]), 'start i2#0'],
    ['init: first failed', init, runtime([ran('i1', 'exited', failed)]), 'start i1#1'],
    ['init: failed, Never', { ...init, restartPolicy: 'Never' }, runtime([ran('i1', 'exited', failed)]), 'finished'],
    ['init: all done', init, runtime([ran('i2', 'exited'), ran('i1', 'exited')]), 'start main#0'],
    ['init: the first was removed, the second is done', init, runtime([ran('i2', 'exited')]), 'start main#0'],
    ['init: all were removed, main runs', init, runtime([ran('main', 'running')]), ''],
    ['sidecar: first', sidecar, runtime([]), 'start side#0'],
    ['sidecar: runs, so the next begins', sidecar, runtime([ran('side', 'running')]), 'start i2#0'],
    [
      'sidecar: ended while main runs',
      sidecar,
      runtime([ran('main', 'running'), ran('i2', 'exited'), ran('side', 'exited', failed)]),
      'start side#1',
    ],
    [
      'sidecar: main is done',
      { ...sidecar, restartPolicy: 'Never' },
      runtime([ran('main', 'exited'), ran('i2', 'exited'), ran('side', 'running')]),
      'finished',
    ],
    [
      'changed image',
      { containers: [spec('main', { image: 'app:2' })] },
      runtime([ran('main', 'running')]),
      'kill main:changed, start main#1',
    ],
    [
      'sandbox lost',
      {},
      runtime([ran('main', 'exited', failed)], [{ ...ready, ready: false }]),
      'sandbox 1, start main#1',
    ],
    [
      'sandbox lost, container believed running',
      {},
      runtime([ran('main', 'running')], [{ ...ready, ready: false }]),
      'sandbox 1, start main#1',
    ],
    [
      'sandbox lost, Never',
      { restartPolicy: 'Never' },
      runtime([ran('main', 'exited')], [{ ...ready, ready: false }]),
      'finished',
    ],
    [
      'sandbox lost, Never, nothing ran',
      { restartPolicy: 'Never' },
      runtime([], [{ ...ready, ready: false }]),
      'sandbox 1, start main#0',
    ],
    ['sandbox without address', {}, runtime([], [{ ...ready, ips: [] }]), 'sandbox 1, stop s0, start main#0'],
    ['node network has no address', { hostNetwork: true }, runtime([], [{ ...ready, ips: [] }]), 'start main#0'],
    ['ephemeral: once', { ephemeralContainers: [spec('debug')] }, runtime([ran('main', 'running')]), 'start debug#0'],
    [
      'ephemeral: never again',
      { ephemeralContainers: [spec('debug')] },
      runtime([ran('debug', 'exited'), ran('main', 'running')]),
      '',
    ],
  ])('%s', (_, fields, state, expected) => {
    expect(summary(plan(pod(fields), state))).toBe(expected);
  });

  it('kills what fails its liveness probe, and starts it again only where the policy says so', () => {
    const sick: ProbeVerdicts = { ...healthy, livenessFailed: () => true };
    const running = runtime([ran('main', 'running')]);
    expect(summary(plan(pod({}), running, sick))).toBe('kill main:livenessProbe, start main#1');
    expect(summary(plan(pod({ restartPolicy: 'Never' }), running, sick))).toBe('kill main:livenessProbe');
  });

  it('holds what follows a sidecar until its startup probe succeeds', () => {
    const starting: ProbeVerdicts = { ...healthy, started: () => false };
    expect(summary(plan(pod(sidecar), runtime([ran('side', 'running')]), starting))).toBe('');
  });

  it('restarts at once the first time, then waits 10 s, 20 s ... since the end', () => {
    const backoff = new CrashBackoff();
    const p = pod({});
    const key = `u/main/${containerHash(spec('main'))}`;
    const crashed = runtime([ran('main', 'exited', { exitCode: 1, finishedMs: nowMs - 1000, restartCount: 4 })]);
    expect(summary(plan(p, crashed, healthy, backoff))).toBe('start main#5');
    backoff.restarted(key, nowMs - 1000, nowMs - 1000);
    const waiting = plan(p, crashed, healthy, backoff);
    expect(waiting).toMatchObject({ start: [], backoffs: [{ container: 'main', delayMs: 10_000, leftMs: 9000 }] });
    backoff.restarted(key, nowMs - 1000, nowMs - 1000);
    expect(plan(p, crashed, healthy, backoff)).toMatchObject({ backoffs: [{ delayMs: 20_000 }] });
  });
});
