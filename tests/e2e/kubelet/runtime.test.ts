import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../src/kubelet/runtime/runtime.ts';
import type { ContainerConfig, PodSandboxConfig } from '../../../src/kubelet/runtime/runtime.ts';
import { containerdPids } from '../../../src/kubelet/runtime/containerd/containerd.ts';
import { nodeCgroupName } from '../../../src/kubelet/runtime/containerd/sweep.ts';
import { findCgroups } from '../../../src/kubelet/node/cgroups.ts';
import { mountsBelow } from '../../../src/kubelet/node/mounts.ts';
import { busyboxImage } from '../../support/images.ts';
import { startTestNode, type TestNode } from '../../support/node.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: the runtime against a real containerd: ${missing}`);

describe.runIf(!missing)('CRI to a containerd of our own', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode('runtime', 11);
  });
  afterAll(async () => {
    const { paths } = node.containerd;
    await node.remove();
    expect(containerdPids(paths)).toEqual([]);
    expect(mountsBelow(paths.dataDir)).toEqual([]);
    expect(findCgroups(nodeCgroupName(paths.nodeId))).toEqual([]);
    expect(existsSync(paths.dataDir)).toBe(false);
  });

  const namespaceOptions = { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } as const;
  const sandboxConfig = (name: string): PodSandboxConfig => ({
    metadata: { name, uid: `uid-${name}`, namespace: 'default', attempt: 0 },
    hostname: name,
    logDirectory: `${node.dataDir}/logs/${name}`,
    labels: { 'io.kubernetes.pod.name': name },
    annotations: {},
    linux: {
      cgroupParent: `/${nodeCgroupName(node.containerd.paths.nodeId)}/pod-${name}`,
      securityContext: { namespaceOptions },
    },
  });
  const containerConfig = (name: string, command: readonly string[]): ContainerConfig => ({
    metadata: { name, attempt: 0 },
    image: { image: busyboxImage },
    command,
    args: [],
    envs: [{ key: 'GREETING', value: 'hello' }],
    mounts: [],
    labels: {},
    annotations: {},
    logPath: `${name}/0.log`,
    linux: { resources: { oomScoreAdj: 1000 }, securityContext: { namespaceOptions, supplementalGroups: [5, 300] } },
  });

  it('runs a container in a sandbox with a network, and reports its end as an event', async () => {
    const events = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of node.runtime.events(events.signal)) seen.push(`${event.type} ${event.containerId}`);
    })();
    const config = sandboxConfig('one');
    const sandbox = await node.runtime.runPodSandbox(config);
    const id = await node.runtime.createContainer(
      sandbox,
      containerConfig('main', ['sh', '-c', 'echo $GREETING $(id -G); sleep 1000']),
      config,
    );
    await node.runtime.startContainer(id);
    expect((await node.runtime.podSandboxStatus(sandbox)).network?.ip).toMatch(/^10\.200\.11\./);
    expect((await node.runtime.containerStatus(id)).state).toBe('CONTAINER_RUNNING');
    const said = await node.runtime.execSync(id, ['sh', '-c', 'echo to-out; echo to-err >&2; exit 3'], 5);
    expect([Buffer.from(said.stdout).toString(), Buffer.from(said.stderr).toString(), said.exitCode]).toEqual([
      'to-out\n',
      'to-err\n',
      3,
    ]);
    await node.runtime.stopContainer(id, 0);
    const status = await node.runtime.containerStatus(id);
    expect([status.state, status.exitCode]).toEqual(['CONTAINER_EXITED', 137]);
    await expect.poll(() => seen).toContain(`exit ${id}`);
    expect(readFileSync(`${node.dataDir}/logs/one/main/0.log`, 'utf8')).toMatch(/ stdout F hello 0 5 300\n/);
    await node.runtime.stopPodSandbox(sandbox);
    await node.runtime.removePodSandbox(sandbox);
    events.abort();
    await watching;
  });

  it('names what the runtime refuses', async () => {
    const error = await node.runtime.containerStatus('nosuch').catch((e) => e);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error.notFound).toBe(true);
    expect(await node.runtime.imageStatus('docker.io/library/nosuch:1')).toBeUndefined();
  });

  it('starts a containerd that died again, and its containers have lived on', async () => {
    const config = sandboxConfig('survivor');
    const sandbox = await node.runtime.runPodSandbox(config);
    const id = await node.runtime.createContainer(sandbox, containerConfig('main', ['sleep', '1000']), config);
    await node.runtime.startContainer(id);
    const [pid] = containerdPids(node.containerd.paths);
    process.kill(pid!, 'SIGKILL');
    await expect
      .poll(async () => (await node.runtime.containerStatus(id).catch(() => undefined))?.state, { timeout: 10_000 })
      .toBe('CONTAINER_RUNNING');
    expect(containerdPids(node.containerd.paths)).not.toContain(pid);
    // left running on purpose: the clean-up has to find it
    expect(execFileSync('pgrep', ['-fc', node.containerd.paths.socket], { encoding: 'utf8' }).trim()).not.toBe('0');
  });
});
