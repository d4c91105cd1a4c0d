import { expect, test } from 'vitest';
import { type PodFields, pod } from '../fixtures.suite.ts';
import { assignedPodChanges, targetPodChanges } from './pod-changes.ts';

function versions(old: PodFields, now: PodFields, generations: readonly [number?, number?] = []) {
  return [old, now].map((fields, i) => {
    const p = pod('p', fields);
    const generation = generations[i];
    return {
      ...p,
      metadata: { ...p.metadata, resourceVersion: `${i}`, ...(generation === undefined ? {} : { generation }) },
    };
  }) as [ReturnType<typeof pod>, ReturnType<typeof pod>];
}

test.each<[string, PodFields, PodFields, readonly string[]]>([
  ['status only', { phase: 'Pending' }, { phase: 'Running' }, []],
  ['a label', {}, { labels: { a: 'b' } }, ['TargetPodUpdatePodLabel']],
  ['a toleration', {}, { tolerations: [{ operator: 'Exists' }] }, ['TargetPodUpdatePodToleration']],
  ['the last gate', { schedulingGates: [{ name: 'g' }] }, {}, ['TargetPodUpdatePodSchedulingGatesEliminated']],
  [
    'one of two gates',
    { schedulingGates: [{ name: 'g' }, { name: 'h' }] },
    { schedulingGates: [{ name: 'h' }] },
    ['TargetPodUpdate'],
  ],
  ['less cpu', { requests: { cpu: '2' } }, { requests: { cpu: '1' } }, ['TargetPodUpdatePodScaleDown']],
  ['more cpu', { requests: { cpu: '1' } }, { requests: { cpu: '2' } }, ['TargetPodUpdate']],
])('changes of a pod: %s', (_name, old, now, labels) => {
  expect(targetPodChanges(...versions(old, now)).map((c) => c.event.label)).toEqual(labels);
  expect(assignedPodChanges(...versions(old, now)).map((c) => c.event.resource)).toEqual(
    labels.map(() => 'AssignedPod'),
  );
  // The same by the generation: one more for a change of the spec.
  const specChanged = labels.some((l) => l !== 'TargetPodUpdatePodLabel');
  expect(targetPodChanges(...versions(old, now, [1, specChanged ? 2 : 1])).map((c) => c.event.label)).toEqual(labels);
});

test('changes of a pod: a resize that took effect in the status alone', () => {
  const running = { name: 'c0', ready: true, restartCount: 0, image: 'x', imageID: 'x' };
  const at = (cpu: string): PodFields => ({
    requests: { cpu: '1' },
    status: { containerStatuses: [{ ...running, allocatedResources: { cpu } }] },
  });
  expect(assignedPodChanges(...versions(at('2'), at('1'), [3, 3])).map((c) => c.event.label)).toEqual([
    'AssignedPodUpdatePodScaleDown',
  ]);
});
