import { describe, expect, it } from 'vitest';
import { containerHash } from '../../containers/labels.ts';
import type { ContainerSpec, Pod } from '../../types.ts';
import type { RuntimeContainer } from '../runtime-pod.ts';
import { statusPatch } from '../status-manager.ts';
import { podStatus, type PodStatusInput } from './pod-status.ts';

const nowMs = Date.UTC(2026, 0, 1);
const now = '2026-01-01T00:00:00Z';
const spec = (name: string, extra: Partial<ContainerSpec> = {}): ContainerSpec => ({ name, image: 'app:1', ...extra });
const pod = (fields: object = {}, status: object = {}, metadata: object = {}): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u', generation: 2, ...metadata },
  spec: { containers: [spec('main')], restartPolicy: 'Always', ...fields },
  status,
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
  createdMs: nowMs,
  startedMs: nowMs,
  finishedMs: state === 'exited' ? nowMs : 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: 'docker.io/library/app:1',
  imageRef: 'sha256:1',
  logPath: '',
  ...extra,
});
const status = (of: Pod, containers: RuntimeContainer[], extra: Partial<PodStatusInput> = {}) =>
  podStatus({
    pod: of,
    runtime: {
      uid: 'u',
      name: 'p',
      namespace: 'ns',
      sandboxes: [{ id: 's0', attempt: 0, ready: true, createdMs: 0, ips: ['10.0.0.1'] }],
      containers,
    },
    failures: new Map(),
    ready: () => true,
    started: () => true,
    ending: false,
    verdict: undefined,
    hostIps: ['192.0.2.1'],
    nowMs,
    ...extra,
  });
const failed = { exitCode: 1 };
const inits = { initContainers: [spec('i')] };
const never = { restartPolicy: 'Never' };
const onFailure = { restartPolicy: 'OnFailure' };
const two = { containers: [spec('a'), spec('b')] };
const side = { initContainers: [spec('s', { restartPolicy: 'Always' })] };

describe('phase of a pod', () => {
  it.each<[string, object, RuntimeContainer[], string, Partial<PodStatusInput>?]>([
    ['nothing runs yet', {}, [], 'Pending'],
    ['running', {}, [ran('main', 'running')], 'Running'],
    ['one of two is still made', two, [ran('a', 'running')], 'Pending'],
    ['ended, to be restarted', {}, [ran('main', 'exited')], 'Running'],
    ['succeeded, OnFailure', onFailure, [ran('main', 'exited')], 'Succeeded'],
    ['failed, OnFailure', onFailure, [ran('main', 'exited', failed)], 'Running'],
    ['succeeded, Never', never, [ran('main', 'exited')], 'Succeeded'],
    ['failed, Never', never, [ran('main', 'exited', failed)], 'Failed'],
    ['one of two failed, Never', { ...two, ...never }, [ran('a', 'exited', failed), ran('b', 'running')], 'Running'],
    ['init runs', inits, [ran('i', 'running')], 'Pending'],
    ['init done', inits, [ran('i', 'exited')], 'Pending'],
    ['init failed', inits, [ran('i', 'exited', failed)], 'Pending'],
    ['init failed, Never', { ...inits, ...never }, [ran('i', 'exited', failed)], 'Failed'],
    ['sidecar not started', side, [ran('s', 'running')], 'Pending', { started: () => false }],
    ['sidecar and main run', side, [ran('main', 'running'), ran('s', 'running')], 'Running'],
    [
      'main is done, the sidecar still runs',
      { ...side, ...never },
      [ran('main', 'exited'), ran('s', 'running')],
      'Running',
    ],
    [
      'both are done',
      { ...side, ...never },
      [ran('main', 'exited'), ran('s', 'exited', failed)],
      'Succeeded',
      { ending: true },
    ],
    ['killed while ending', {}, [ran('main', 'exited', failed)], 'Failed', { ending: true }],
    ['ended well while ending', {}, [ran('main', 'exited')], 'Succeeded', { ending: true }],
    [
      'past its deadline',
      {},
      [ran('main', 'exited')],
      'Failed',
      { ending: true, verdict: { reason: 'DeadlineExceeded', message: 'm' } },
    ],
  ])('%s', (_, fields, containers, phase, extra) => {
    expect(status(pod(fields), containers, extra).phase).toBe(phase);
  });

  it('stays where it ended', () => {
    expect(status(pod({}, { phase: 'Failed' }), []).phase).toBe('Failed');
  });
});

describe('states of containers', () => {
  const first = (of: Pod, containers: RuntimeContainer[], extra: Partial<PodStatusInput> = {}) =>
    status(of, containers, extra).containerStatuses![0]!;

  it.each<[string, object, RuntimeContainer[], object, Partial<PodStatusInput>?]>([
    ['none yet', {}, [], { state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false }],
    ['init first', inits, [ran('i', 'running')], { state: { waiting: { reason: 'PodInitializing' } } }],
    ['running', {}, [ran('main', 'running')], { state: { running: { startedAt: now } }, ready: true, started: true }],
    ['not ready', {}, [ran('main', 'running')], { ready: false, started: true }, { ready: () => false }],
    ['not started', {}, [ran('main', 'running')], { ready: false, started: false }, { started: () => false }],
    [
      'ended',
      never,
      [ran('main', 'exited', { exitCode: 137, reason: 'OOMKilled', message: 'bye' })],
      { state: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'bye', finishedAt: now } } },
    ],
    [
      'running again',
      {},
      [ran('main', 'running', { id: 'new', restartCount: 1 }), ran('main', 'exited', failed)],
      { restartCount: 1, containerID: 'containerd://new', lastState: { terminated: { exitCode: 1, reason: 'Error' } } },
    ],
    [
      'in back-off',
      {},
      [ran('main', 'exited', failed)],
      {
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
        lastState: { terminated: { exitCode: 1 } },
      },
      { failures: new Map([['main', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }]]) },
    ],
    [
      'a failure of old that no longer matters',
      never,
      [ran('main', 'exited', failed)],
      { state: { terminated: { exitCode: 1 } } },
      { failures: new Map([['main', { reason: 'CrashLoopBackOff', message: '' }]]) },
    ],
  ])('%s', (_, fields, containers, expected, extra) => {
    expect(first(pod(fields), containers, extra)).toMatchObject(expected);
  });

  it('keeps what was known of a container whose record is gone', () => {
    const terminated = { exitCode: 3, reason: 'Error' };
    const known = pod(never, { containerStatuses: [{ name: 'main', state: { terminated }, restartCount: 2 }] });
    expect(first(known, [])).toMatchObject({ state: { terminated }, restartCount: 2 });
  });

  it('does not know the end of one that vanished while it ran', () => {
    const known = pod({}, { containerStatuses: [{ name: 'main', state: { running: { startedAt: now } } }] });
    expect(first(known, [], { ending: true }).state?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
    });
  });
});

describe('conditions of a pod', () => {
  const told = (of: Pod, containers: RuntimeContainer[], extra: Partial<PodStatusInput> = {}) =>
    status(of, containers, extra).conditions!.map((c) => `${c.type}=${c.status}${c.reason ? ` ${c.reason}` : ''}`);

  it('follow init containers, readiness and gates', () => {
    expect(told(pod(inits), [ran('i', 'running')])).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=False ContainersNotInitialized',
      'Ready=False ContainersNotReady',
      'ContainersReady=False ContainersNotReady',
      'PodScheduled=True',
    ]);
    const gated = pod({ readinessGates: [{ conditionType: 'x/y' }] });
    expect(told(gated, [ran('main', 'running')])).toContain('Ready=False ReadinessGatesNotReady');
    const open = pod({ readinessGates: [{ conditionType: 'x/y' }] }, { conditions: [{ type: 'x/y', status: 'True' }] });
    expect(told(open, [ran('main', 'running')])).toEqual(expect.arrayContaining(['Ready=True', 'x/y=True']));
    expect(told(pod(never), [ran('main', 'exited')])).toEqual(
      expect.arrayContaining(['Initialized=True PodCompleted', 'Ready=False PodCompleted']),
    );
  });

  it('keep the time of their last change', () => {
    const earlier = '2025-12-31T00:00:00Z';
    const old = [
      { type: 'Ready', status: 'True', lastTransitionTime: earlier },
      { type: 'ContainersReady', status: 'False', lastTransitionTime: earlier },
    ];
    const { conditions } = status(pod({}, { conditions: old }), [ran('main', 'running')]);
    const time = (type: string) => conditions!.find((c) => c.type === type)!.lastTransitionTime;
    expect([time('Ready'), time('ContainersReady')]).toEqual([earlier, now]);
  });
});

describe('patch from one status to another', () => {
  it('is none where nothing changed', () => {
    const same = status(pod(), [ran('main', 'running')]);
    expect(statusPatch(JSON.parse(JSON.stringify(same)), same)).toBeUndefined();
  });

  it('holds what changed, and takes away what is no longer said', () => {
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'm',
      lastTransitionTime: now,
    };
    const other = { type: 'x/y', status: 'True' };
    expect(
      statusPatch(
        {
          phase: 'Pending',
          reason: 'Evicted',
          podIP: '10.0.0.1',
          podIPs: [{ ip: '10.0.0.1' }],
          conditions: [condition, other],
        },
        {
          phase: 'Running',
          podIP: '10.0.0.2',
          podIPs: [{ ip: '10.0.0.2' }],
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }, other],
        },
      ),
    ).toEqual({
      phase: 'Running',
      reason: null,
      podIP: '10.0.0.2',
      podIPs: [{ ip: '10.0.0.2' }, { $patch: 'replace' }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now, reason: null, message: null }],
    });
  });
});
