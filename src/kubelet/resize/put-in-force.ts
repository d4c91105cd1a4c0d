import {
  bytesOf,
  cpuMilliOf,
  cpuQuotaUs,
  cpuShares,
  type PodLimits,
  podLimits,
  quotaPeriodUs,
} from '../containers/resources.ts';
import type { PodCgroups } from '../node/pod-cgroups.ts';
import type { ResizeStep } from '../pods/plan.ts';
import type { LinuxResources, RuntimeService } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import type { Allocations } from './allocations.ts';
import { type Resizable, type Resources, withResources } from './compute.ts';

export interface PutInForceDeps {
  readonly runtime: Pick<RuntimeService, 'updateContainerResources' | 'containerStats'>;
  readonly cgroups: Pick<PodCgroups, 'update'>;
  readonly allocations: Allocations;
}

/**
 * Gives running containers what was granted to them, without a restart. A container's group lies in its pod's: what
 * grows grows from the outside in, what shrinks from the inside out. Rejects with what could not be done; what was done
 * by then stays, and the next try goes on from there.
 */
export async function putInForce(deps: PutInForceDeps, pod: Pod, steps: readonly ResizeStep[]): Promise<void> {
  await refuseBelowUsage(deps, steps);
  const current = Object.fromEntries(steps.map(({ container, from }) => [container.name, from]));
  const before = podLimits(withResources(pod, current));
  const after = podLimits(pod);
  for (const name of ['memory', 'cpu'] as const) {
    const concerned = steps.filter(({ changes }) => changes.includes(name));
    if (concerned.length === 0) continue;
    const grows = limitOf(after, name) > limitOf(before, name);
    if (grows) deps.cgroups.update(pod, name, after);
    const shrinkingFirst = [...concerned].sort((a, b) => growth(a, name) - growth(b, name));
    for (const step of shrinkingFirst)
      await deps.runtime.updateContainerResources(step.container.id, linuxUpdate(step.to, name));
    if (!grows) deps.cgroups.update(pod, name, after);
  }
  for (const { container, to } of steps) await deps.allocations.apply(pod.metadata.uid!, container.id, to);
}

/** A limit below what is used would have the kernel kill: it is refused before anything is touched. */
async function refuseBelowUsage(deps: PutInForceDeps, steps: readonly ResizeStep[]): Promise<void> {
  for (const { container, from, to } of steps) {
    const limit = bytesOf(to.limits?.['memory']);
    if (limit === undefined || limit >= (bytesOf(from.limits?.['memory']) ?? Number.POSITIVE_INFINITY)) continue;
    const { memory } = await deps.runtime.containerStats(container.id);
    const used = memory?.usageBytes?.value ?? memory?.workingSetBytes?.value ?? 0;
    if (used < limit) continue;
    const what = `attempting to set container "${container.name}" memory limit (${limit})`;
    throw new Error(`${what} below current usage (${used})`);
  }
}

function limitOf(limits: PodLimits, name: Resizable): number {
  const limit = name === 'cpu' ? limits.cpuQuotaUs : limits.memoryLimitBytes;
  return limit ?? Number.POSITIVE_INFINITY;
}

function growth({ from, to }: ResizeStep, name: Resizable): number {
  const limit = (of: Resources) =>
    (name === 'cpu' ? cpuMilliOf : bytesOf)(of.limits?.[name]) ?? Number.MAX_SAFE_INTEGER;
  return limit(to) - limit(from);
}

/** What is left out stays as it is, so a limit that goes away is said with -1. */
function linuxUpdate(to: Resources, name: Resizable): LinuxResources {
  if (name === 'memory') return { memoryLimitInBytes: bytesOf(to.limits?.['memory']) ?? -1 };
  const limit = cpuMilliOf(to.limits?.['cpu']);
  return {
    cpuShares: cpuShares(cpuMilliOf(to.requests?.['cpu']) ?? limit),
    cpuPeriod: quotaPeriodUs,
    cpuQuota: limit === undefined ? -1 : cpuQuotaUs(limit),
  };
}
