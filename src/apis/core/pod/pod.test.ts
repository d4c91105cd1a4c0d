import { describe, expect, test } from 'vitest';
import type { ContainerStatus, Pod, PodSpec } from '../../generated/types/core/v1.ts';
import { podColumns, summarizePod } from './columns.ts';
import { schemaOf } from '../../scheme.ts';
import { defaultPod, pullPolicyOf } from './defaults.ts';
import { qosClassOf } from './qos.ts';
import { podGracefulDelete, podStatusStrategy, podStrategy } from './strategy.ts';
import { podSpecWarnings } from './warnings.ts';

const context = {
  namespace: 'ns',
  user: { username: 'u', groups: [] },
  nowMs: 0,
  subresource: undefined,
  dryRun: false,
};
const make = (spec: Partial<PodSpec>, status: Pod['status'] = {}, metadata: Pod['metadata'] = { name: 'p' }): Pod => ({
  metadata,
  spec: { containers: [{ name: 'c', image: 'busybox:1.36' }], ...spec },
  status,
});

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.2', 'IfNotPresent'],
  ['host:5000/nginx', 'Always'],
  ['not an image', 'IfNotPresent'],
  ['host:5000/nginx:1', 'IfNotPresent'],
  [`nginx@sha256:${'ab'.repeat(32)}`, 'IfNotPresent'],
  [`nginx:latest@sha256:${'ab'.repeat(32)}`, 'Always'],
])('pull policy of %s: %s', (image, policy) => {
  expect(pullPolicyOf(image)).toBe(policy);
});

const applyDefaults = (pod: Pod) => {
  schemaOf('', 'v1', 'Pod').applyDefaults(pod);
  defaultPod(pod);
};

test('a bare pod gets what upstream fills in, and a second time nothing more', () => {
  const pod = make({
    containers: [
      {
        name: 'c',
        image: 'busybox',
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        resources: { limits: { cpu: '1', memory: '100.5m' }, requests: { cpu: '500m' } },
      },
    ],
    hostNetwork: true,
    serviceAccount: 'old',
    volumes: [
      { name: 'a' },
      { name: 'b', secret: { secretName: 's' } },
      { name: 'd', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
      { name: 'e', hostPath: { path: '/tmp' } },
    ],
  });
  applyDefaults(pod);
  expect(pod.spec).toEqual({
    containers: [
      {
        name: 'c',
        image: 'busybox',
        imagePullPolicy: 'Always',
        ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        resources: { limits: { cpu: '1', memory: '101m' }, requests: { cpu: '500m', memory: '101m' } },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    hostNetwork: true,
    serviceAccount: 'old',
    serviceAccountName: 'old',
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      {
        name: 'd',
        projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] },
      },
      { name: 'e', hostPath: { path: '/tmp', type: '' } },
    ],
    dnsPolicy: 'ClusterFirst',
    enableServiceLinks: true,
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  const once = structuredClone(pod);
  applyDefaults(pod);
  expect(pod).toEqual(once);
});

test.each<[string, NonNullable<PodSpec['containers'][0]['resources']>[], string]>([
  ['nothing', [{}], 'BestEffort'],
  ['zero is nothing', [{ requests: { cpu: '0' } }], 'BestEffort'],
  ['a request', [{ requests: { cpu: '1' } }], 'Burstable'],
  ['limits of one resource', [{ limits: { cpu: '1' }, requests: { cpu: '1' } }], 'Burstable'],
  [
    'all limited and requested alike',
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }],
    'Guaranteed',
  ],
  [
    'one container without',
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } }, {}],
    'Burstable',
  ],
])('quality of service: %s', (_, resources, expected) => {
  expect(qosClassOf({ containers: resources.map((r, i) => ({ name: `c${i}`, resources: r })) })).toBe(expected);
});

const running = (more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'c',
  image: '',
  imageID: '',
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const ended = (exitCode: number, more: Partial<ContainerStatus> = {}, reason = ''): ContainerStatus =>
  running({ ready: false, state: { terminated: { exitCode, ...(reason ? { reason } : {}) } }, ...more });

const statuses: [string, Pod, string, string, string][] = [
  ['pending', make({}, { phase: 'Pending' }), '0/1', 'Pending', '0'],
  ['evicted', make({}, { phase: 'Failed', reason: 'Evicted' }), '0/1', 'Evicted', '0'],
  ['running', make({}, { phase: 'Running', containerStatuses: [running()] }), '1/1', 'Running', '0'],
  [
    'creating',
    make(
      {},
      {
        phase: 'Pending',
        containerStatuses: [running({ ready: false, state: { waiting: { reason: 'ContainerCreating' } } })],
      },
    ),
    '0/1',
    'ContainerCreating',
    '0',
  ],
  [
    'crashing',
    make(
      {},
      {
        phase: 'Running',
        containerStatuses: [
          running({
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: '1970-01-01T00:00:40Z' } },
          }),
        ],
      },
    ),
    '0/1',
    'CrashLoopBackOff',
    '3 (60s ago)',
  ],
  ['done', make({}, { phase: 'Succeeded', containerStatuses: [ended(0, {}, 'Completed')] }), '0/1', 'Completed', '0'],
  ['failed', make({}, { phase: 'Failed', containerStatuses: [ended(2)] }), '0/1', 'ExitCode:2', '0'],
  [
    'killed',
    make(
      {},
      {
        phase: 'Failed',
        containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 137, signal: 9 } } })],
      },
    ),
    '0/1',
    'Signal:9',
    '0',
  ],
  [
    'one done, one runs',
    make(
      { containers: [{ name: 'a' }, { name: 'b' }] },
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [ended(0, { name: 'a' }, 'Completed'), running({ name: 'b' })],
      },
    ),
    '1/2',
    'NotReady',
    '0',
  ],
  [
    'initialising',
    make(
      { initContainers: [{ name: 'i' }, { name: 'j' }] },
      { phase: 'Pending', initContainerStatuses: [ended(0, { name: 'i' }), running({ name: 'j', ready: false })] },
    ),
    '0/1',
    'Init:1/2',
    '0',
  ],
  [
    'init failed',
    make(
      { initContainers: [{ name: 'i' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [ended(1, { name: 'i', restartCount: 2 }, 'Error')],
      },
    ),
    '0/1',
    'Init:Error',
    '2',
  ],
  [
    'sidecar counts',
    make(
      { initContainers: [{ name: 'i', restartPolicy: 'Always' }] },
      {
        phase: 'Running',
        initContainerStatuses: [running({ name: 'i', started: true, restartCount: 1 })],
        containerStatuses: [running()],
      },
    ),
    '2/2',
    'Running',
    '1',
  ],
  [
    'going',
    make({}, { phase: 'Running', containerStatuses: [running()] }, { name: 'p', deletionTimestamp: 't' }),
    '1/1',
    'Terminating',
    '0',
  ],
  [
    'gated',
    make({}, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
    '0/1',
    'SchedulingGated',
    '0',
  ],
];
describe('columns', () => {
  test.each(statuses)('%s', (_, pod, ready, status, restarts) => {
    const cells = podColumns.map((c) => c.cell(pod, 100_000));
    expect(cells.slice(0, 5)).toEqual(['p', ready, status, restarts, '<unknown>']);
    expect(cells.slice(5)).toEqual(['<none>', '<none>', '<none>', '<none>']);
  });
  test('numbers come from the same summary', () => {
    expect(summarizePod(statuses[2]![1])).toMatchObject({ ready: 1, total: 1 });
  });
});

test.each<[string, Pod, number | undefined, number]>([
  ['unscheduled', make({ terminationGracePeriodSeconds: 30 }), undefined, 0],
  ['its own default', make({ nodeName: 'n', terminationGracePeriodSeconds: 30 }), undefined, 30],
  ['as asked', make({ nodeName: 'n', terminationGracePeriodSeconds: 30 }), 5, 5],
  ['at once', make({ nodeName: 'n', terminationGracePeriodSeconds: 30 }), 0, 0],
  ['negative', make({ nodeName: 'n', terminationGracePeriodSeconds: -5 }), undefined, 1],
  ['ended', make({ nodeName: 'n', terminationGracePeriodSeconds: 30 }, { phase: 'Succeeded' }), undefined, 0],
])('grace: %s', (_, pod, asked, seconds) => {
  expect(podGracefulDelete.gracePeriodSeconds(pod, asked)).toBe(seconds);
});

test('status and spec belong to their own endpoints; generation follows the spec', () => {
  const created = make({}, { phase: 'Running' });
  podStrategy.prepareForCreate!(created, context);
  expect(created.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  expect(created.metadata.generation).toBe(1);

  const image = structuredClone(created);
  image.spec!.containers[0]!.image = 'other';
  image.status = { phase: 'Failed' };
  podStrategy.prepareForUpdate!(image, created, context);
  expect(image.metadata.generation).toBe(2);
  expect(image.status).toEqual(created.status);

  const status = structuredClone(created);
  status.spec!.containers[0]!.image = 'other';
  status.status = { phase: 'Running', podIP: '10.0.0.1' };
  podStatusStrategy.prepareForUpdate!(status, created, context);
  expect(status.spec).toEqual(created.spec);
  expect(status.metadata.generation).toBe(1);
  expect(status.status).toEqual({
    phase: 'Running',
    podIP: '10.0.0.1',
    podIPs: [{ ip: '10.0.0.1' }],
    qosClass: 'BestEffort',
  });
});

test('warnings speak of what is allowed and hardly meant', () => {
  expect(
    podSpecWarnings(
      {
        nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
        terminationGracePeriodSeconds: -1,
        containers: [
          {
            name: 'c',
            env: [{ name: 'A' }, { name: 'A' }, { name: 'B', value: '1' }, { name: 'B', value: '$(B)2' }],
            ports: [{ containerPort: 80 }, { containerPort: 80 }],
            resources: { limits: { memory: '1500m' } },
          },
        ],
      },
      'spec',
    ),
  ).toEqual([
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
  ]);
});
