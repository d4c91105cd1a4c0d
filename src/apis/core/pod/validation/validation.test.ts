import { describe, expect, test } from 'vitest';
import { fieldErrorText } from '../../../../machinery/validation/field-error.ts';
import type { Container, Pod, PodSpec } from '../../../generated/types/core/v1.ts';
import { schemaOf } from '../../../scheme.ts';
import { defaultPod } from '../defaults.ts';
import { validatePodSpec, validatePodTemplate } from './spec.ts';
import { validateEphemeralContainersUpdate, validatePodUpdate } from './update.ts';

const defaulted = (spec: Partial<PodSpec>, container: Partial<Container> = {}): Pod => {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers: [{ name: 'c', image: 'busybox:1.36', ...container }], ...spec },
  };
  schemaOf('', 'v1', 'Pod').applyDefaults(pod);
  defaultPod(pod);
  return pod;
};
const check = (spec: Partial<PodSpec>, container?: Partial<Container>) =>
  validatePodSpec(defaulted(spec, container).spec!, 'spec').map(fieldErrorText);

test('a bare pod is fine', () => {
  expect(check({})).toEqual([]);
});

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

describe('containers', () => {
  test.each<[string, Partial<Container>, string]>([
    ['no name', { name: '' }, 'spec.containers[0].name: Required value'],
    ['bad name', { name: 'A' }, `spec.containers[0].name: Invalid value: "A": ${label}`],
    ['no image', { image: '' }, 'spec.containers[0].image: Required value'],
    [
      'image',
      { image: ' a' },
      'spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace',
    ],
    [
      'port',
      { ports: [{ containerPort: 70000 }] },
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      'port name',
      { ports: [{ containerPort: 1, name: 'toolongportname1' }] },
      'spec.containers[0].ports[0].name: Invalid value: "toolongportname1": must be no more than 15 characters',
    ],
    [
      'two ports of a name',
      {
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      },
      'spec.containers[0].ports[1].name: Duplicate value: "a"',
    ],
    [
      'two of a host port',
      {
        ports: [
          { containerPort: 1, hostPort: 9 },
          { containerPort: 2, hostPort: 9 },
        ],
      },
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
    ],
    ['variable without a name', { env: [{ name: '' }] }, 'spec.containers[0].env[0].name: Required value'],
    [
      'variable with =',
      { env: [{ name: 'a=b' }] },
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ],
    [
      'value and source',
      { env: [{ name: 'a', value: 'b', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      'unknown field',
      { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] },
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
    ],
    [
      'field that is for files alone',
      { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] },
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
    [
      'empty source',
      { envFrom: [{}] },
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ],
    [
      'more than the limit',
      { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'negative',
      { resources: { limits: { cpu: '-1' } } },
      'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      'unknown resource',
      { resources: { limits: { disk: '1' } } },
      'spec.containers[0].resources.limits: Invalid value: "disk": must be a standard resource for containers',
    ],
    [
      'part of a device',
      { resources: { limits: { 'example.com/gpu': '500m' } } },
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    ],
    [
      'probe of nothing',
      { livenessProbe: {} },
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
    ],
    [
      'probe of two things',
      { livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } },
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
    [
      'liveness twice',
      { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } },
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
    [
      'mount of nothing',
      { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'user',
      { securityContext: { runAsUser: -1 } },
      'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
  ])('%s', (_, container, message) => {
    expect(check({}, container)).toContain(message);
  });
});

test.each<[string, Partial<PodSpec>, string]>([
  ['no containers', { containers: [] }, 'spec.containers: Required value'],
  [
    'two of a name',
    { initContainers: [{ name: 'c', image: 'a' }] },
    'spec.initContainers[0].name: Duplicate value: "c"',
  ],
  [
    'probe of an init container',
    { initContainers: [{ name: 'i', image: 'a', readinessProbe: { tcpSocket: { port: 1 } } }] },
    'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  ['volume name', { volumes: [{ name: 'A' }] }, `spec.volumes[0].name: Invalid value: "A": ${label}`],
  ['two volumes', { volumes: [{ name: 'a' }, { name: 'a' }] }, 'spec.volumes[1].name: Duplicate value: "a"'],
  [
    'two sources',
    { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] },
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    'secret without a name',
    { volumes: [{ name: 'a', secret: {} }] },
    'spec.volumes[0].secret.secretName: Required value',
  ],
  [
    'backsteps',
    { volumes: [{ name: 'a', hostPath: { path: '/a/../b' } }] },
    'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
  ],
  [
    'toleration',
    { tolerations: [{ operator: 'Equal' }] },
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    'toleration seconds',
    { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 1 }] },
    'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
  ],
  [
    'deadline',
    { activeDeadlineSeconds: 0 },
    'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
  ],
  [
    'affinity without terms',
    { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
  ],
  [
    'no DNS',
    { dnsPolicy: 'None' },
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ],
  [
    'host port of its own on the host network',
    { hostNetwork: true, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 81 }] }] },
    'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
  ],
  ['hostname', { hostname: 'a.b' }, 'spec.hostname: Invalid value: "a.b": must not contain dots'],
])('pod: %s', (_, spec, message) => {
  expect(check(spec)).toContain(message);
});

test('a template without containers', () => {
  expect(validatePodTemplate(undefined, 'spec.template').map(fieldErrorText)).toEqual([
    'spec.template.spec.containers: Required value',
  ]);
});

describe('update', () => {
  const old = defaulted({ nodeName: 'n', tolerations: [{ key: 'a', operator: 'Exists' }], activeDeadlineSeconds: 10 });
  const update = (change: (pod: Pod) => void) => {
    const pod = structuredClone(old);
    change(pod);
    return validatePodUpdate(pod, old).map(fieldErrorText);
  };
  test.each<[string, (pod: Pod) => void]>([
    ['nothing', () => {}],
    ['image', (p) => void (p.spec!.containers[0]!.image = 'b')],
    ['labels', (p) => void (p.metadata.labels = { a: 'b' })],
    ['one more toleration', (p) => void p.spec!.tolerations!.push({ key: 'b', operator: 'Exists' })],
    ['a sooner deadline', (p) => void (p.spec!.activeDeadlineSeconds = 5)],
  ])('may: %s', (_, change) => {
    expect(update(change)).toEqual([]);
  });
  test.each<[string, (pod: Pod) => void, string]>([
    [
      'command',
      (p) => void (p.spec!.containers[0]!.command = ['a']),
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ],
    ['node', (p) => void (p.spec!.nodeName = 'm'), '- nodeName: "n"\n+ nodeName: "m"'],
    [
      'one more container',
      (p) => void p.spec!.containers.push({ name: 'd', image: 'a' }),
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
    [
      'a toleration gone',
      (p) => void (p.spec!.tolerations = []),
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ],
    [
      'a later deadline',
      (p) => void (p.spec!.activeDeadlineSeconds = 11),
      'spec.activeDeadlineSeconds: Invalid value: 11: must be less than or equal to previous value',
    ],
  ])('may not: %s', (_, change, message) => {
    expect(update(change).join('\n')).toContain(message);
  });
  test('ephemeral containers are only added', () => {
    const one = structuredClone(old);
    one.spec!.ephemeralContainers = [{ name: 'd', image: 'a' }];
    expect(validateEphemeralContainersUpdate(one, old)).toEqual([]);
    expect(validateEphemeralContainersUpdate(old, one).map(fieldErrorText)[0]).toContain('may not be removed');
  });
});
