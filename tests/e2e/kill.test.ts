// Killed at any point, a cluster leaves nothing that `down` or the next `up` does not clean, and goes on where it was.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerdPids } from '../../src/kubelet/runtime/containerd/containerd.ts';
import { containerdPaths } from '../../src/kubelet/runtime/containerd/paths.ts';
import { nodeDirectories } from '../../src/cluster/clean-host.ts';
import { dataDirAt } from '../../src/cluster/data-dir.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { eventually, realFlags } from '../support/real-cluster.ts';
import { skiff, UpCluster } from '../support/up.ts';

let cluster: UpCluster;
let flags: string[];
beforeEach(() => {
  cluster = new UpCluster();
  flags = realFlags(cluster);
});
afterEach(() => cluster.destroy());

const script = 'trap "exit 0" TERM; echo started; sleep 1000 & wait';

async function deploy(): Promise<void> {
  await cluster.must('create', 'deployment', 'web', '--image=busybox:1.36', '--replicas=2', '--', 'sh', '-c', script);
  await cluster.must('expose', 'deployment', 'web', '--port=80');
  await cluster.must('rollout', 'status', 'deployment/web', '--timeout=60s');
}

/** What must be the same after a kill. */
const lasting = async () => ({
  service: await cluster.must('get', 'svc', 'web', 'kubernetes', '-o', 'jsonpath={.items[*].spec.clusterIP}'),
  uid: await cluster.must('get', 'deployment', 'web', '-o', 'jsonpath={.metadata.uid}'),
  ca: await cluster.must('get', 'cm', 'kube-root-ca.crt', '-o', 'jsonpath={.data}'),
});

const down = async () => {
  expect((await skiff('down', '--data-dir', cluster.dataDir)).code).toBe(0);
  expect(hostLeftovers(cluster.dataDir)).toEqual([]);
};

describe('SIGKILL', () => {
  it.each([100, 400, 800, 1200])('after %d ms of start: down cleans up, and the next start works', async (ms) => {
    const ended = cluster.start(...flags).catch(() => {});
    await new Promise((done) => setTimeout(done, ms));
    await cluster.stop('SIGKILL');
    await ended;
    await down();
    await cluster.start(...flags);
    expect(await cluster.must('get', 'nodes')).toContain('Ready');
  });

  it.each(['with running pods', 'in the middle of a rollout'])('%s: the same cluster goes on', async (when) => {
    await cluster.start(...flags);
    await deploy();
    const before = await lasting();
    if (when !== 'with running pods') await cluster.must('set', 'env', 'deployment/web', 'A=1');
    await cluster.stop('SIGKILL');
    if (when === 'with running pods') await down();
    await cluster.start(...flags);
    expect(await lasting()).toEqual(before);
    await cluster.must('rollout', 'status', 'deployment/web', '--timeout=60s');
    const logs = await eventually('logs', async () => (await cluster.must('logs', 'deploy/web')) || undefined);
    expect(logs).toContain('started');
    expect(await cluster.stop()).toBe(0);
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });
});

describe('containerd killed', () => {
  it('loses no container, and logs and exec work again', async () => {
    await cluster.start(...flags);
    await deploy();
    const state = async () =>
      (
        await cluster.must(
          'get',
          'pods',
          '-o',
          'jsonpath={range .items[*]}{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
        )
      )
        .split('\n')
        .sort();
    const before = await state();
    const [node] = nodeDirectories(dataDirAt(cluster.dataDir));
    const [pid] = containerdPids(containerdPaths(node!));
    process.kill(pid!, 'SIGKILL');
    const said = await eventually('exec', async () => {
      const { code, stdout } = await cluster.kubectl('exec', 'deploy/web', '--', 'echo', 'here');
      return code === 0 ? stdout : undefined;
    });
    expect(said).toBe('here\n');
    expect(await cluster.must('logs', 'deploy/web')).toContain('started');
    expect(await state()).toEqual(before);
    await cluster.must('scale', 'deployment/web', '--replicas=3');
    await cluster.must('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(containerdPids(containerdPaths(node!))).not.toContain(pid);
  });
});
