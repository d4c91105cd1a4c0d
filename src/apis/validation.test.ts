import { describe, expect, test } from 'vitest';
import { fieldErrorText } from '../machinery/validation/field-error.ts';
import { kinds } from './index.ts';
import { schemaOf } from './scheme.ts';

const context = {
  namespace: 'ns',
  user: { username: 'u', groups: [] },
  nowMs: 0,
  subresource: undefined,
  dryRun: false,
};

/** Defaults, then validates, as a request would. */
function check(kindName: string, object: object, old?: object): string[] {
  const kind = kinds.find((k) => k.kind === kindName)!;
  const make = (fields: object) => {
    const schema = schemaOf(kind.group, kind.version, kind.kind);
    const made = schema.normalize(structuredClone({ metadata: { name: 'x', namespace: 'ns' }, ...fields })).object;
    schema.applyDefaults(made);
    kind.applyDefaults?.(made);
    return made;
  };
  const errors = old
    ? kind.strategy?.validateUpdate?.(make(object), make(old), context)
    : kind.strategy?.validate?.(make(object), context);
  return (errors ?? []).map(fieldErrorText);
}

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: { a: 'b' } };
const workload = { selector, template };
const port = { port: 80 };

test.each<[string, object]>([
  ['Deployment', { spec: workload }],
  ['ReplicaSet', { spec: workload }],
  [
    'StatefulSet',
    {
      spec: {
        selector,
        serviceName: 's',
        template: {
          ...template,
          spec: { containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
  ['Service', { spec: { ports: [port] } }],
  ['Service', { spec: { clusterIP: 'None', clusterIPs: ['None'] } }],
  ['Service', { spec: { type: 'ExternalName', externalName: 'a.b.' } }],
  ['ConfigMap', { data: { 'a.b_c-d': 'x' }, binaryData: { e: 'AAAA' } }],
  ['Secret', { stringData: { a: 'b' } }],
  ['Secret', { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{}' } }],
  ['Role', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }],
  ['ClusterRole', { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }],
  ['RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }] }],
  ['Node', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }],
  ['Lease', { spec: { leaseDurationSeconds: 40 } }],
  ['Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }] }] }],
  ['EndpointSlice', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 1 }] }],
])('%s is fine: %j', (kind, object) => {
  expect(check(kind, object)).toEqual([]);
});

describe('refused', () => {
  test.each<[string, object, string]>([
    ['Deployment', { spec: { template } }, 'spec.selector: Required value'],
    [
      'Deployment',
      { spec: { ...workload, selector: {} } },
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
    [
      'Deployment',
      { spec: { ...workload, selector: { matchLabels: { c: 'd' } } } },
      'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
    ],
    [
      'Deployment',
      { spec: { ...workload, replicas: -1 } },
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'Deployment',
      { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ],
    [
      'Deployment',
      { spec: { ...workload, strategy: { rollingUpdate: { maxUnavailable: '101%' } } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      'Deployment',
      { spec: { ...workload, strategy: { type: 'Recreate', rollingUpdate: {} } } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      'Deployment',
      { spec: { ...workload, minReadySeconds: 600 } },
      'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
    ],
    [
      'Deployment',
      { spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'Deployment',
      { spec: { selector, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } } } },
      'spec.template.spec.containers: Required value',
    ],
    ['Service', { spec: {} }, 'spec.ports: Required value'],
    ['Service', { spec: { ports: [port, { port: 81, name: 'b' }] } }, 'spec.ports[0].name: Required value'],
    [
      'Service',
      { spec: { ports: [{ port: 0 }] } },
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      'Service',
      { spec: { ports: [{ port: 80, nodePort: 30000 }] } },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    ['Service', { spec: { type: 'ExternalName' } }, 'spec.externalName: Required value'],
    [
      'Service',
      { spec: { ports: [port], clusterIP: '1.2.3', clusterIPs: ['1.2.3'] } },
      'spec.clusterIPs[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      'Service',
      { spec: { ports: [port], clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'] } },
      'spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`',
    ],
    [
      'Service',
      { spec: { ports: [port], externalIPs: ['127.0.0.1'] } },
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      'ConfigMap',
      { data: { 'a b': '' } },
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
    ['ConfigMap', { data: { a: 'x'.repeat(1048577) } }, ': Too long: may not be more than 1048576 bytes'],
    [
      'ConfigMap',
      { data: { a: '' }, binaryData: { a: '' } },
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ],
    ['Secret', { type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x' } }, 'data[tls.key]: Required value'],
    [
      'Secret',
      { type: 'kubernetes.io/service-account-token' },
      'metadata.annotations[kubernetes.io/service-account.name]: Required value',
    ],
    [
      'Role',
      { rules: [{ apiGroups: [''], resources: ['pods'] }] },
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      'Role',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ],
    [
      'ClusterRoleBinding',
      { roleRef: { kind: 'Role', name: 'r' } },
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [
      'ClusterRoleBinding',
      { roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 's' }] },
      'subjects[0].namespace: Required value',
    ],
    [
      'Node',
      { spec: { taints: [{ key: 'a', effect: 'x' }] } },
      'metadata.taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    [
      'Lease',
      { spec: { leaseDurationSeconds: 0 } },
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
    [
      'EndpointSlice',
      { addressType: 'IPv4', endpoints: [{ addresses: ['::1'] }] },
      'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
    ],
  ])('%s %j', (kind, object, message) => {
    expect(check(kind, object)).toContain(message);
  });
});

describe('immutable', () => {
  test.each<[string, object, object, string]>([
    [
      'Deployment',
      {
        spec: { selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] }, template },
      },
      { spec: workload },
      'spec.selector: Invalid value: {"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"Exists"}]}: field is immutable',
    ],
    [
      'Service',
      { spec: { ports: [port], clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.2'] } },
      { spec: { ports: [port], clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] } },
      'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ],
    [
      'ConfigMap',
      { data: { a: '2' }, immutable: true },
      { data: { a: '1' }, immutable: true },
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
    ['Secret', { type: 'b' }, { type: 'a' }, 'type: Invalid value: "b": field is immutable'],
    [
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'b' } },
      { roleRef: { kind: 'Role', name: 'a' } },
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change roleRef',
    ],
    [
      'Node',
      { spec: { podCIDR: '10.0.1.0/24' } },
      { spec: { podCIDR: '10.0.0.0/24' } },
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ],
    [
      'EndpointSlice',
      { addressType: 'IPv6' },
      { addressType: 'IPv4' },
      'addressType: Invalid value: "IPv6": field is immutable',
    ],
  ])('%s', (kind, object, old, message) => {
    expect(check(kind, object, old)).toContain(message);
  });
});
