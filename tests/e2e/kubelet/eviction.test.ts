import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event, Node } from '../../../src/apis/generated/types/core/v1.ts';
import { cgroupVersion } from '../../../src/kubelet/node/cgroups.ts';
import { nodeIdOf } from '../../../src/kubelet/runtime/containerd/paths.ts';
import { nodeCgroupName } from '../../../src/kubelet/runtime/containerd/sweep.ts';
import type { Summary } from '../../../src/kubelet/stats/summary.ts';
import { shell, TestKubelet } from '../../support/kubelet.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: eviction on real containers: ${missing}`);

describe.runIf(!missing)('limits of the node on a real containerd', () => {
  let kubelet: TestKubelet;
  beforeAll(async () => {
    kubelet = await TestKubelet.create('evict', 17, {
      podPidsLimit: 50,
      systemReserved: { memory: '1Gi', cpu: '500m' },
    });
  });
  afterAll(async () => {
    await kubelet?.remove();
  });

  const write = (path: string) => shell(`dd if=/dev/zero of=${path} bs=1M count=8 2>/dev/null; sleep 1000`);

  it('all pods together are held to what the node has for them, and each to its number of processes', async () => {
    await kubelet.makePod('limits', { containers: [shell('sleep 1000')] });
    const { metadata } = await kubelet.running('limits');
    const root = nodeCgroupName(nodeIdOf(kubelet.node.dataDir));
    const isV2 = cgroupVersion() === 2;
    const read = (controller: string, path: string, file: string) =>
      Number(readFileSync(join('/sys/fs/cgroup', isV2 ? '' : controller, root, 'kubepods', path, file), 'utf8'));
    const memory = read('memory', '', isV2 ? 'memory.max' : 'memory.limit_in_bytes');
    expect(totalmem() - memory).toBeGreaterThanOrEqual(2 ** 30);
    expect(totalmem() - memory).toBeLessThan(2 ** 30 + 8192);
    expect(read('pids', `besteffort/pod${metadata.uid}`, 'pids.max')).toBe(50);
    await kubelet.pods.delete('limits');
    await kubelet.gone('limits');
  });

  it('a pod that takes more of the disk than it may is evicted; one within its limits is not (checklist 14)', async () => {
    const limited = { resources: { limits: { 'ephemeral-storage': '4Mi' } } };
    const volumes = [{ name: 'v', emptyDir: { sizeLimit: '4Mi' } }];
    const mounted = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
    await Promise.all([
      kubelet.makePod('layer', { containers: [{ ...write('/big'), ...limited }] }),
      kubelet.makePod('volume', { containers: [{ ...write('/v/big'), ...mounted }], volumes }),
      kubelet.makePod('within', {
        containers: [{ ...write('/big'), resources: { limits: { 'ephemeral-storage': '64Mi' } } }],
      }),
    ]);
    const gone = (name: string) => kubelet.until(name, ({ status }) => status?.reason === 'Evicted', 'evicted', 60_000);
    const [layer, volume] = await Promise.all([gone('layer'), gone('volume')]);
    expect(layer.status?.message).toBe('Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. ');
    expect(volume.status?.message).toBe('Usage of EmptyDir volume "v" exceeds the limit "4Mi". ');
    for (const name of ['layer', 'volume'])
      await kubelet.until(name, ({ status }) => status?.phase === 'Failed', 'failed');
    expect((await kubelet.pods.get('within')).status?.phase).toBe('Running');
    const events = await kubelet.server.client.resource<Event>({ group: '', version: 'v1', resource: 'events' }).list();
    expect(events.items.find((e) => e.reason === 'Evicted' && e.involvedObject.name === 'layer')).toMatchObject({
      type: 'Warning',
      message: layer.status?.message,
    });
  }, 90_000);

  it('the summary has what the node and a pod use', async () => {
    const { node, pods } = JSON.parse((await kubelet.get('/stats/summary')).body) as Summary;
    expect(node.nodeName).toBe('n1');
    expect(node.memory?.availableBytes).toBeGreaterThan(0);
    expect(node.fs?.inodes).toBeGreaterThan(0);
    expect(node.runtime?.imageFs?.usedBytes).toBeGreaterThan(0);
    expect(node.rlimit?.maxpid).toBeGreaterThan(node.rlimit!.curproc);
    const pod = pods.find(({ podRef }) => podRef.name === 'within')!;
    expect(pod.containers.map(({ name }) => name)).toEqual(['main']);
    expect(pod.containers[0]!.rootfs?.usedBytes).toBeGreaterThan(8_000_000);
    expect(pod['ephemeral-storage']?.usedBytes).toBeGreaterThan(8_000_000);
    expect(pod.memory?.workingSetBytes).toBeGreaterThan(0);
    expect(pod.cpu?.usageCoreNanoSeconds).toBeGreaterThan(0);
  });

  it("metrics have upstream's names, and figures of this pod", async () => {
    const get = async (path: string) => (await kubelet.get(path)).body;
    const value = (text: string, name: string, ...labels: string[]) => {
      const line = text.split('\n').find((l) => l.startsWith(`${name}{`) && labels.every((label) => l.includes(label)));
      return Number(/} (\S+)/.exec(line ?? '')?.[1]);
    };
    const within = ['namespace="default"', 'pod="within"'];
    const resource = await get('/metrics/resource');
    expect(value(resource, 'container_memory_working_set_bytes', 'container="main"', ...within)).toBeGreaterThan(0);
    expect(value(resource, 'pod_cpu_usage_seconds_total', ...within)).toBeGreaterThan(0);
    expect(resource).toMatch(/^scrape_error 0$/m);
    const cadvisor = await get('/metrics/cadvisor');
    const main = ['container="main"', ...within];
    expect(value(cadvisor, 'container_cpu_usage_seconds_total', 'cpu="total"', ...main)).toBeGreaterThan(0);
    expect(value(cadvisor, 'container_memory_working_set_bytes', ...main)).toBeGreaterThan(0);
    expect(value(cadvisor, 'container_processes', ...main)).toBeGreaterThan(0);
    expect(value(cadvisor, 'container_fs_usage_bytes', ...main)).toBeGreaterThan(8_000_000);
    expect(value(cadvisor, 'container_network_receive_bytes_total', 'interface="eth0"', ...within)).toBeGreaterThan(0);
    expect(cadvisor).toMatch(/^machine_cpu_cores \d+$/m);
    const own = await get('/metrics');
    expect(value(own, 'kubelet_runtime_operations_total', 'operation_type="run_podsandbox"')).toBeGreaterThan(2);
    expect(value(own, 'kubelet_started_containers_total', 'container_type="container"')).toBeGreaterThan(2);
    // Counted when the pod has ended, which is a moment after it says so.
    for (const signal of ['emptydirfs.limit', 'ephemeralpodfs.limit'])
      await expect
        .poll(async () => value(await get('/metrics'), 'kubelet_evictions', `eviction_signal="${signal}"`))
        .toBe(1);
  });

  it('pressure is said on the Node, refuses pods, and leaves those that run alone while its grace lasts', async () => {
    await kubelet.pause();
    // More than any host has free.
    const signal = 'pid.available';
    await kubelet.start({ evictionSoft: { [signal]: '99.9%' }, evictionSoftGracePeriod: { [signal]: '1h' } });
    const nodes = kubelet.server.client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
    const condition = async (wanted: string) =>
      (await nodes.get('n1')).status?.conditions?.find(({ type }) => type === wanted);
    await expect
      .poll(() => condition('PIDPressure'), { timeout: 15_000 })
      .toMatchObject({
        status: 'True',
        reason: 'KubeletHasInsufficientPID',
        message: 'kubelet has insufficient PID available',
      });
    expect((await condition('MemoryPressure'))?.status).toBe('False');
    await kubelet.makePod('late', { containers: [shell('sleep 1000')] });
    const late = await kubelet.until('late', ({ status }) => status?.phase === 'Failed', 'refused');
    expect(late.status).toMatchObject({
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [PIDPressure]. ',
    });
    expect((await kubelet.pods.get('within')).status?.phase).toBe('Running');
  });
});
