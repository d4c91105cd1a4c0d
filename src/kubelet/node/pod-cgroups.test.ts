import { expect, it } from 'vitest';
import { realClock } from '../../base/node/real-clock.ts';
import type { Pod } from '../types.ts';
import { nodeSliceName, PodCgroups } from './pod-cgroups.ts';

const uid = '1111-22';
const pod = (qosClass: string): Pod => ({ metadata: { uid }, spec: { containers: [] }, status: { qosClass } });

it.each([
  [false, 'Guaranteed', '/skiff-ab/kubepods/pod1111-22'],
  [false, 'Burstable', '/skiff-ab/kubepods/burstable/pod1111-22'],
  [false, 'BestEffort', '/skiff-ab/kubepods/besteffort/pod1111-22'],
  [true, 'Guaranteed', 'skiffab-pod1111_22.slice'],
  [true, 'BestEffort', 'skiffab-besteffort-pod1111_22.slice'],
])('with systemd %s a pod that is %s lies in %s', (systemd, qos, parent) => {
  expect(new PodCgroups({ root: 'skiff-ab', systemd }, realClock).parent(pod(qos))).toBe(parent);
});

it('the slice of a node lies at the top', () => {
  expect(nodeSliceName('skiff-ab')).toBe('skiffab');
});
