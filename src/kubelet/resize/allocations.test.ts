import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeDirectories } from '../containers/directories.ts';
import type { RuntimePod } from '../pods/runtime-pod.ts';
import type { Pod } from '../types.ts';
import { Allocations } from './allocations.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'skiff-allocations-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const capacity = { cpuMilli: 1000, memoryBytes: 1e9, ephemeralStorageBytes: 1e9, pods: 3 };
const pod = (uid: string, cpu: string, generation = 1): Pod => ({
  metadata: { name: uid, namespace: 'ns', uid, generation },
  spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu } } }] },
});
const nothing = (uid: string): RuntimePod => ({ uid, name: uid, namespace: 'ns', sandboxes: [], containers: [] });
const cpuOf = (of: Pod) => of.spec?.containers[0]?.resources?.requests?.['cpu'];

function setUp() {
  const freed: string[][] = [];
  const allocations = new Allocations({
    dirs: nodeDirectories(dataDir),
    capacity,
    onFreed: (uids) => freed.push([...uids]),
  });
  return { allocations, freed };
}

describe('what a node grants', () => {
  it('is refused to a pod that does not fit beside the others, in upstream words', () => {
    const { allocations } = setUp();
    expect(allocations.admit(pod('a', '600m'), nothing('a'))).toBeUndefined();
    expect(allocations.admit(pod('b', '500m'), nothing('b'))).toEqual({
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 500, used: 600, capacity: 1000",
    });
    expect(allocations.admit(pod('c', '400m'), nothing('c'))).toBeUndefined();
    expect(allocations.admit(pod('d', '0'), nothing('d'))).toBeUndefined();
    expect(allocations.admit(pod('e', '0'), nothing('e'))?.reason).toBe('OutOfpods');
  });

  it.each([
    [{ hostPort: 80 }, { hostPort: 80 }, 'NodePorts'],
    [{ hostPort: 80, hostIP: '10.0.0.1' }, { hostPort: 80 }, 'NodePorts'],
    [{ hostPort: 80, hostIP: '10.0.0.1' }, { hostPort: 80, hostIP: '10.0.0.2' }, undefined],
    [{ hostPort: 80, protocol: 'UDP' }, { hostPort: 80 }, undefined],
    [{ hostPort: 81 }, { hostPort: 80 }, undefined],
  ])('is refused where a port of the host is taken: %j after %j', (wanted, taken, reason) => {
    const { allocations } = setUp();
    const withPort = (uid: string, port: object): Pod => {
      const ports = [{ containerPort: 1, ...port }];
      return { ...pod(uid, '0'), spec: { containers: [{ name: 'main', image: 'app:1', ports }] } };
    };
    expect(allocations.admit(withPort('a', taken), nothing('a'))).toBeUndefined();
    expect(allocations.admit(withPort('b', wanted), nothing('b'))?.reason).toBe(reason);
  });

  it('is what a pod had that was here before, whatever the sum', () => {
    const { allocations } = setUp();
    allocations.admit(pod('a', '900m'), nothing('a'));
    const ran: Pod = { ...pod('b', '900m'), status: { containerStatuses: [{ name: 'main' } as never] } };
    expect(allocations.admit(ran, nothing('b'))).toBeUndefined();
  });

  it('waits for room, and comes when another pod ends', async () => {
    const { allocations, freed } = setUp();
    for (const uid of ['x', 'y']) allocations.admit(pod(uid, '400m'), nothing(uid));
    const bigger = pod('x', '800m', 2);
    expect(await allocations.resize(bigger)).toMatchObject({ reason: 'OutOfcpu' });
    expect(cpuOf(allocations.granted(bigger))).toBe('400m');
    allocations.release('y');
    expect(freed).toEqual([['x']]);
    expect(await allocations.resize(bigger)).toBe('granted');
    expect(cpuOf(allocations.granted(bigger))).toBe('800m');
    expect(await allocations.resize(pod('x', '0.8', 3))).toBe('unchanged');
  });

  it('outlives the kubelet', async () => {
    const first = setUp().allocations;
    first.admit(pod('k', '100m'), nothing('k'));
    await first.resize(pod('k', '200m'));
    await first.apply('k', 'id', { requests: { cpu: '200m' } });
    const { allocations } = setUp();
    const asksForMore = pod('k', '5');
    allocations.admit({ ...asksForMore, status: { containerStatuses: [{ name: 'main' } as never] } }, nothing('k'));
    expect(cpuOf(allocations.granted(asksForMore))).toBe('200m');
    expect(allocations.applied('k', 'id')).toEqual({ requests: { cpu: '200m' } });
  });
});
