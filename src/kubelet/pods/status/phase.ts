import { type ApiContainerStatus, isSidecar, type PodSpec } from '../../types.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** Upstream's rule. `ending`: no container will be started any more. Sidecars count as running, never as completed. */
export function podPhase(spec: PodSpec, statuses: readonly ApiContainerStatus[], ending: boolean): PodPhase {
  const find = (name: string) => statuses.find((status) => status.name === name);
  let pendingInit = 0;
  let pendingSidecars = 0;
  let unknown = 0;
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let succeeded = 0;
  for (const container of spec.initContainers ?? []) {
    const status = find(container.name);
    const { state, lastState } = status ?? {};
    if (isSidecar(container)) {
      if (!status) unknown++;
      else if (state?.running) {
        if (!status.started) pendingSidecars++;
        running++;
      } else if (state?.waiting && !lastState?.terminated) {
        pendingSidecars++;
        waiting++;
      }
      continue;
    }
    const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined);
    if (ended && ended.exitCode !== 0 && spec.restartPolicy === 'Never') return 'Failed';
    if (state?.terminated?.exitCode !== 0) pendingInit++;
  }
  for (const container of spec.containers) {
    const { state, lastState } = find(container.name) ?? {};
    if (state?.running) running++;
    else if (state?.terminated) {
      stopped++;
      if (state.terminated.exitCode === 0) succeeded++;
    } else if (state?.waiting) {
      if (lastState?.terminated) stopped++;
      else waiting++;
    } else unknown++;
  }
  const regularBegan = stopped > 0 || statuses.some((s) => s.state?.running && isRegular(spec, s.name));
  if (!ending && !regularBegan && (pendingInit > 0 || pendingSidecars > 0)) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (running > 0 && unknown === 0) return 'Running';
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (ending) return stopped === succeeded ? 'Succeeded' : 'Failed';
    if ((spec.restartPolicy ?? 'Always') === 'Always') return 'Running';
    if (stopped === succeeded) return 'Succeeded';
    return spec.restartPolicy === 'Never' ? 'Failed' : 'Running';
  }
  return 'Pending';
}

function isRegular(spec: PodSpec, name: string): boolean {
  return spec.containers.some((container) => container.name === name);
}
