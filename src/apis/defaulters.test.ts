import { describe, expect, test } from 'vitest';
import { allResources, schemaOf } from './scheme.ts';

const defaulted = (group: string, version: string, kind: string, body: object) => {
  const schema = schemaOf(group, version, kind);
  const { object } = schema.decode(JSON.stringify({ metadata: { name: 'a' }, ...body }));
  schema.applyDefaults(object);
  return object;
};

test.each(allResources().map((r) => [r.group, r.version, r.kind] as const))(
  'an empty object of %s/%s %s is defaulted, once and for all',
  (group, version, kind) => {
    const object = defaulted(group, version, kind, {});
    const once = structuredClone(object);
    schemaOf(group, version, kind).applyDefaults(object);
    expect(object).toEqual(once);
  },
);

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };

describe.each<[string, string, string, string, object, object]>([
  [
    'a pod template in any kind',
    'batch',
    'v1',
    'CronJob',
    { spec: { jobTemplate: { spec: { template } } } },
    {
      spec: { jobTemplate: { spec: { template: { spec: { containers: [{ imagePullPolicy: 'IfNotPresent' }] } } } } },
    },
  ],
  [
    'a daemon set',
    'apps',
    'v1',
    'DaemonSet',
    { spec: { template } },
    {
      spec: {
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        revisionHistoryLimit: 10,
      },
    },
  ],
  [
    'a stateful set',
    'apps',
    'v1',
    'StatefulSet',
    { spec: { template } },
    {
      spec: {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
    },
  ],
  [
    'a job',
    'batch',
    'v1',
    'Job',
    { spec: { template } },
    {
      metadata: { labels: { app: 'a' } },
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    },
  ],
  [
    'a job by index',
    'batch',
    'v1',
    'Job',
    { spec: { template, backoffLimitPerIndex: 1, parallelism: 2 } },
    {
      spec: { parallelism: 2, backoffLimit: 2147483647 },
    },
  ],
  [
    'an autoscaler',
    'autoscaling',
    'v2',
    'HorizontalPodAutoscaler',
    { spec: { behavior: { scaleUp: { selectPolicy: 'Min' } } } },
    {
      spec: {
        minReplicas: 1,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
        behavior: {
          scaleUp: { selectPolicy: 'Min', stabilizationWindowSeconds: 0 },
          scaleDown: { selectPolicy: 'Max' },
        },
      },
    },
  ],
  [
    'a network policy',
    'networking.k8s.io',
    'v1',
    'NetworkPolicy',
    { spec: { egress: [{ ports: [{ port: 53 }] }] } },
    {
      spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] },
    },
  ],
  [
    'a limit range',
    '',
    'v1',
    'LimitRange',
    { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }] } },
    {
      spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }] },
    },
  ],
  [
    'a persistent volume',
    '',
    'v1',
    'PersistentVolume',
    { spec: { hostPath: { path: '/a' } } },
    {
      spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { type: '' } },
      status: { phase: 'Pending' },
    },
  ],
  [
    'a webhook',
    'admissionregistration.k8s.io',
    'v1',
    'MutatingWebhookConfiguration',
    { webhooks: [{ name: 'w', rules: [{}], clientConfig: { service: {} } }] },
    {
      webhooks: [
        {
          failurePolicy: 'Fail',
          matchPolicy: 'Equivalent',
          timeoutSeconds: 10,
          reinvocationPolicy: 'Never',
          namespaceSelector: {},
          objectSelector: {},
          rules: [{ scope: '*' }],
          clientConfig: { service: { port: 443 } },
        },
      ],
    },
  ],
  [
    'a definition',
    'apiextensions.k8s.io',
    'v1',
    'CustomResourceDefinition',
    { spec: { names: { kind: 'Foo', plural: 'foos' }, versions: [{ name: 'v1', storage: true }] } },
    {
      spec: { names: { singular: 'foo', listKind: 'FooList' }, conversion: { strategy: 'None' } },
      status: { storedVersions: ['v1'] },
    },
  ],
])('%s', (_, group, version, kind, body, expected) => {
  test('gets the defaults of upstream', () => {
    expect(defaulted(group, version, kind, body)).toMatchObject(expected);
  });
});

test('a rolling update that was asked for by name gets no parameters in a stateful set', () => {
  const object = defaulted('apps', 'v1', 'StatefulSet', {
    spec: { template, updateStrategy: { type: 'RollingUpdate' } },
  });
  expect(object).toMatchObject({ spec: { updateStrategy: { type: 'RollingUpdate' } } });
  expect(JSON.stringify(object)).not.toContain('partition');
});
