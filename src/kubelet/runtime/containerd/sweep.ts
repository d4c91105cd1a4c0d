import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, sleep } from '../../../base/clock.ts';
import { messageOf } from '../../../base/errors.ts';
import { findCgroups, killCgroup, removeCgroup } from '../../node/cgroups.ts';
import { nodeSliceName } from '../../node/pod-cgroups.ts';
import { unmountBelow } from '../../node/mounts.ts';
import { isAlive, listProcesses, signalProcess } from '../../node/processes.ts';
import {
  Containerd,
  type ContainerdDeps,
  type ContainerdOptions,
  containerdPids,
  endContainerd,
  lastBinary,
} from './containerd.ts';
import { type ContainerdPaths, containerdPaths } from './paths.ts';
import type { RuntimeService } from '../runtime.ts';

/** The name of a node's group of groups at the top of each cgroup hierarchy. */
export function nodeCgroupName(nodeId: string): string {
  return `skiff-${nodeId}`;
}

/**
 * Stops every sandbox through the runtime, so that networks are torn down as they were set up. Keeps their records. One
 * that is not ready any more may still have its network: its first process was killed, or a stop was cut short.
 */
export async function stopAllSandboxes(runtime: RuntimeService): Promise<void> {
  const sandboxes = await runtime.listPodSandbox();
  await Promise.allSettled(sandboxes.map((sandbox) => runtime.stopPodSandbox(sandbox.id)));
}

/**
 * Takes away what a node left running on the host, as a reboot would: containers, shims, containerd, mounts, network
 * namespaces, cgroups. State on disk stays. For nodes that nobody runs any more; idempotent. Returns what resisted.
 */
export async function cleanupNode(options: ContainerdOptions, deps: ContainerdDeps): Promise<string[]> {
  const paths = containerdPaths(options.dataDir);
  const binary = options.binary ?? lastBinary(paths);
  const containerd = new Containerd({ ...options, ...(binary && { binary }) }, deps);
  if (existsSync(paths.root) && hasLeftovers(paths)) {
    try {
      const runtime = await containerd.start();
      await stopAllSandboxes(runtime);
    } catch (error) {
      deps.log(`stopping pods by containerd failed, going on without it: ${messageOf(error)}`);
    }
    await containerd.stop();
  }
  return sweep(paths, deps.clock);
}

/** Whether containers of a run that was killed still run: a node that starts again takes them over. */
export function hasRunningPods(options: ContainerdOptions): boolean {
  return shimPids(containerdPaths(options.dataDir)).length > 0;
}

/** Whether anything of this node still runs or is mounted. */
function hasLeftovers(paths: ContainerdPaths): boolean {
  return (
    containerdPids(paths).length > 0 ||
    shimPids(paths).length > 0 ||
    nodeCgroups(paths).length > 0 ||
    existsSync(join(paths.state, 'io.containerd.runtime.v2.task', 'k8s.io'))
  );
}

/** The part that needs no containerd: by process table, mount table and cgroup tree. */
export async function sweep(paths: ContainerdPaths, clock: Clock): Promise<string[]> {
  endContainerd(paths);
  const shims = shimPids(paths);
  for (const pid of shims) signalProcess(pid, 'SIGKILL');
  removeShimSockets(paths);
  const groups = () => nodeCgroups(paths);
  // Killed processes leave their groups when the kernel has buried them, in milliseconds; a forking one needs rounds.
  for (let tries = 0; tries < 200; tries++) {
    const killed = groups().reduce((total, group) => total + killCgroup(group), 0);
    if (killed === 0 && !shims.some(isAlive)) break;
    await sleep(clock, 10, undefined, 'sweep: processes');
  }
  const problems = (await unmountBelow(paths.dataDir)).map((path) => `mount ${path}`);
  if (!paths.run.startsWith(paths.dataDir)) {
    problems.push(...(await unmountBelow(paths.run)).map((path) => `mount ${path}`));
    rmSync(paths.run, { recursive: true, force: true });
  }
  for (let tries = 0; tries < 100 && !groups().map(removeCgroup).every(Boolean); tries++)
    await sleep(clock, 10, undefined, 'sweep: cgroups');
  problems.push(...groups().map((path) => `cgroup ${path}`));
  if (problems.length === 0) rmSync(paths.state, { recursive: true, force: true });
  rmSync(paths.pidFile, { force: true });
  return problems;
}

/** The node's groups in every hierarchy, whoever made them. */
function nodeCgroups(paths: ContainerdPaths): string[] {
  const name = nodeCgroupName(paths.nodeId);
  return [name, `${nodeSliceName(name)}.slice`].flatMap((group) => findCgroups(group));
}

function shimPids(paths: ContainerdPaths): number[] {
  return listProcesses()
    .filter(({ arguments: args }) => {
      const at = args.indexOf('-address');
      return args[0]?.includes('containerd-shim') && at > 0 && args[at + 1] === paths.socket;
    })
    .map(({ pid }) => pid);
}

/** Shims put their sockets into one directory of the host, under hashed names; each bundle knows its own. */
function removeShimSockets(paths: ContainerdPaths): void {
  const tasks = join(paths.state, 'io.containerd.runtime.v2.task', 'k8s.io');
  if (!existsSync(tasks)) return;
  for (const task of readdirSync(tasks)) {
    const file = join(tasks, task, 'address');
    if (!existsSync(file)) continue;
    const address = readFileSync(file, 'utf8').trim();
    if (address.startsWith('unix:///run/containerd/s/')) rmSync(address.slice('unix://'.length), { force: true });
  }
}
