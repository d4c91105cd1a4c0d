import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { attributesOf, lookupOf } from '../testing.ts';
import { RuntimeClassAdmission } from './plugin.ts';

const runtimeClass = {
  metadata: { name: 'vm' },
  handler: 'vm',
  overhead: { podFixed: { cpu: '1' } },
  scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
} as KubeObject;
const plugin = new RuntimeClassAdmission(lookupOf({ 'runtimeclasses.node.k8s.io': [runtimeClass] }));

function admitted(spec: PodSpec): PodSpec {
  const pod: Pod = { metadata: { name: 'p' }, spec };
  const attributes = attributesOf({ resource: 'pods', namespace: 'ns', object: pod as KubeObject });
  plugin.admit(attributes);
  plugin.validate(attributes);
  return pod.spec!;
}

test('a pod gets the overhead and the place of its class', () => {
  expect(admitted({ containers: [], runtimeClassName: 'vm', nodeSelector: { a: 'b' } })).toMatchObject({
    overhead: { cpu: '1' },
    nodeSelector: { a: 'b', vm: 'yes' },
    tolerations: [{ key: 'vm', operator: 'Exists' }],
  });
  expect(admitted({ containers: [] })).toEqual({ containers: [] });
});

test.each<[PodSpec, string]>([
  [{ containers: [], runtimeClassName: 'no' }, 'pod rejected: RuntimeClass "no" not found'],
  [{ containers: [], overhead: { cpu: '1' } }, 'Pod Overhead set without corresponding RuntimeClass defined Overhead'],
  [
    { containers: [], runtimeClassName: 'vm', overhead: { cpu: '2' } },
    "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
  ],
  [
    { containers: [], runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
    'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
  ],
])('%j is refused', (spec, message) => {
  expect(() => admitted(spec)).toThrow(message);
});
