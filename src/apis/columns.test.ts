import { expect, test } from 'vitest';
import type { KubeObject } from '../machinery/meta/object.ts';
import { kinds } from './index.ts';

/** A minute after everything was made. */
const nowMs = 60_000;
const created = '1970-01-01T00:00:00Z';
const template = {
  spec: {
    containers: [
      { name: 'a', image: 'x:1' },
      { name: 'b', image: 'y' },
    ],
    nodeSelector: { disk: 'ssd' },
  },
  metadata: { labels: { app: 'web' } },
};
const selector = { matchLabels: { app: 'web' } };

test.each<[string, object, unknown[]]>([
  [
    'Deployment',
    { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1, updatedReplicas: 2 } },
    ['n', '1/3', 2, 0, '60s', 'a,b', 'x:1,y', 'app=web'],
  ],
  [
    'ReplicaSet',
    { spec: { replicas: 3, selector, template }, status: { replicas: 2 } },
    ['n', 3, 2, 0, '60s', 'a,b', 'x:1,y', 'app=web'],
  ],
  [
    'DaemonSet',
    { spec: { selector, template }, status: { desiredNumberScheduled: 3, numberReady: 1 } },
    ['n', 3, 0, 1, 0, 0, 'disk=ssd', '60s', 'a,b', 'x:1,y', 'app=web'],
  ],
  [
    'StatefulSet',
    { spec: { replicas: 2, template }, status: { readyReplicas: 1 } },
    ['n', '1/2', '60s', 'a,b', 'x:1,y'],
  ],
  [
    'Job',
    { spec: { completions: 3, selector, template }, status: { succeeded: 1, startTime: '1970-01-01T00:00:30Z' } },
    ['n', 'Running', '1/3', '30s', '60s', 'a,b', 'x:1,y', 'app=web'],
  ],
  [
    'Job',
    { spec: { parallelism: 2, template }, status: { conditions: [{ type: 'Failed', status: 'True' }] } },
    ['n', 'Failed', '0/1 of 2', '', '60s', 'a,b', 'x:1,y', '<none>'],
  ],
  [
    'CronJob',
    { spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } }, status: { active: [{}] } },
    ['n', '* * * * *', '<none>', 'False', 1, '<none>', '60s', 'a,b', 'x:1,y', '<none>'],
  ],
  [
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } },
          { type: 'Pods', pods: { target: { averageValue: '10' } } },
          { type: 'External', external: { target: { value: '3' } } },
        ],
      },
      status: { currentReplicas: 2, currentMetrics: [{ resource: { current: { averageUtilization: 40 } } }] },
    },
    ['n', 'Deployment/web', 'cpu: 40%/80%, <unknown>/10 + 1 more...', '1', 5, 2, '60s'],
  ],
  ['PodDisruptionBudget', { spec: { minAvailable: '50%' } }, ['n', '50%', 'N/A', 0, '60s']],
  [
    'Ingress',
    {
      spec: { rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }], tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    },
    ['n', '<none>', 'a,b,c + 1 more...', '1.2.3.4', '80, 443', '60s'],
  ],
  [
    'StorageClass',
    { provisioner: 'p', metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
    ['n (default)', 'p', 'Delete', 'Immediate', false, '60s'],
  ],
  [
    'PersistentVolumeClaim',
    {
      spec: { volumeName: 'v', storageClassName: 's', volumeMode: 'Block' },
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
    },
    ['n', 'Bound', 'v', '1Gi', 'RWO,RWX', 's', '<unset>', '60s', 'Block'],
  ],
  [
    'Node',
    {
      metadata: { labels: { 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'worker' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: {
          kubeletVersion: 'v1.36.0',
          kernelVersion: '6.1',
          architecture: 'amd64',
          containerRuntimeVersion: 'containerd://2.1',
        },
      },
    },
    [
      'n',
      'Ready,SchedulingDisabled',
      'control-plane,worker',
      '60s',
      'v1.36.0',
      '10.0.0.1',
      '<none>',
      '<unknown>',
      '6.1 (amd64)',
      'containerd://2.1',
    ],
  ],
  [
    'Endpoints',
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 1 }, { port: 2 }] }] },
    ['n', '10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more...', '60s'],
  ],
  [
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }, { name: 'x' }, {}], endpoints: [{ addresses: ['10.0.0.1'] }] },
    ['n', 'IPv4', '80,x,*', '10.0.0.1', '60s'],
  ],
  [
    'Event',
    {
      involvedObject: { kind: 'Pod', name: 'p' },
      reason: 'Started',
      type: 'Normal',
      message: 'm\n',
      count: 3,
      source: { component: 'kubelet', host: 'h' },
      firstTimestamp: created,
      lastTimestamp: '1970-01-01T00:00:50Z',
    },
    ['10s', 'Normal', 'Started', 'pod/p', '', 'kubelet, h', 'm', '60s', 3, 'n'],
  ],
  [
    'RoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'ServiceAccount', name: 's', namespace: 'ns' },
      ],
    },
    ['n', 'Role/r', '60s', 'u, v', '', 'ns/s'],
  ],
  [
    'CertificateSigningRequest',
    {
      spec: { signerName: 's', username: 'u', expirationSeconds: 3600 },
      status: { conditions: [{ type: 'Approved' }], certificate: 'x' },
    },
    ['n', '60s', 's', 'u', '60m', 'Approved,Issued'],
  ],
  [
    'ControllerRevision',
    {
      revision: 2,
      metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', controller: true }] },
    },
    ['n', 'daemonset.apps/d', 2, '60s'],
  ],
  [
    'ResourceQuota',
    { status: { hard: { pods: '5', 'limits.cpu': '2' }, used: { pods: '1' } } },
    ['n', 'pods: 1/5', 'limits.cpu: 0/2', '60s'],
  ],
])('%s', (kindName, fields, cells) => {
  const kind = kinds.find((k) => k.kind === kindName)!;
  const { metadata = {}, ...rest } = fields as { metadata?: object };
  const object = { ...rest, metadata: { name: 'n', creationTimestamp: created, ...metadata } } as KubeObject;
  expect(kind.columns!.map((column) => column.cell(object, nowMs))).toEqual(cells);
});
