import { expect, test } from 'vitest';
import { pod, type PodFields } from '../fixtures.suite.ts';
import { podRequests } from './pod-requests.ts';

const mebibyte = 1024 * 1024;
const cpu = (requests: string, restartPolicy?: string) => ({
  name: 'i',
  resources: { requests: { cpu: requests } },
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
});

const running = { name: 'i', ready: true, restartCount: 0, image: 'x', imageID: 'x' };

const cases: readonly [string, PodFields, number][] = [
  ['containers add up', { containers: [cpu('100m'), cpu('200m')] }, 300],
  ['a larger init container sets the floor', { containers: [cpu('100m')], initContainers: [cpu('500m')] }, 500],
  [
    'init containers run one after the other',
    { containers: [cpu('100m')], initContainers: [cpu('1'), cpu('2')] },
    2000,
  ],
  ['a sidecar runs beside the containers', { containers: [cpu('100m')], initContainers: [cpu('50m', 'Always')] }, 150],
  [
    'an init container runs beside the sidecars before it',
    { containers: [cpu('100m')], initContainers: [cpu('300m', 'Always'), cpu('1'), cpu('100m', 'Always')] },
    1300,
  ],
  ['overhead comes on top', { containers: [cpu('100m')], overhead: { cpu: '25m' } }, 125],
  ['pod-level requests replace the sum', { containers: [cpu('100m')], resources: { requests: { cpu: '2' } } }, 2000],
  [
    'a pod being resized counts with the larger of wish and allocation',
    { containers: [cpu('100m')], status: { containerStatuses: [{ ...running, allocatedResources: { cpu: '400m' } }] } },
    400,
  ],
];
test.each(cases)('pod requests: %s', (_name, fields, cpuMilli) => {
  expect(podRequests(pod('p', fields)).requests.cpuMilli).toBe(cpuMilli);
});

test('pod requests: a container without requests counts as 100m and 200Mi for scoring only', () => {
  const { requests, nonZero } = podRequests(pod('p', { containers: [{}, cpu('1')] }));
  expect([requests.cpuMilli, requests.memoryBytes]).toEqual([1000, 0]);
  expect([nonZero.cpuMilli, nonZero.memoryBytes]).toEqual([1100, 400 * mebibyte]);
});

test('pod requests: extended resources and huge pages are kept by name, unknown native ones left out', () => {
  const requests = { 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi', unheard: '5' };
  const { scalars } = podRequests(pod('p', { requests })).requests;
  expect([...scalars]).toEqual([
    ['example.com/gpu', 2],
    ['hugepages-2Mi', 4 * mebibyte],
  ]);
});
