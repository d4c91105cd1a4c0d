import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { runHook } from '../containers/hooks.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import { findContainer, type Pod } from '../types.ts';
import type { PodRecorder } from './recorder.ts';
import type { RuntimeContainer, RuntimePod } from './runtime-pod.ts';
import { sidecarsInStopOrder } from './status/pod-status.ts';

export interface StopDeps {
  readonly runtime: RuntimeService;
  readonly recorder: PodRecorder;
  readonly clock: Clock;
}

/** Whatever a hook has used up: a container gets so long between SIGTERM and SIGKILL (upstream). */
const minimumGraceSeconds = 2;

/**
 * Ends one running container: preStop hook, stop signal, grace, SIGKILL. The grace counts from the hook's beginning.
 * `killNow` cuts it short at any point.
 */
export async function stopContainer(
  deps: StopDeps,
  pod: Pod,
  container: RuntimeContainer,
  graceSeconds: number,
  message: string,
  podIp: string,
  killNow?: AbortSignal,
): Promise<void> {
  const { runtime, recorder, clock } = deps;
  recorder.container(pod, container.name, 'Normal', 'Killing', message);
  const startMs = clock.monotonicMs();
  const spec = findContainer(pod, container.name);
  const hook = spec?.lifecycle?.preStop;
  if (spec && hook && graceSeconds > 0 && !killNow?.aborted) {
    const ended = new AbortController();
    const limit = sleep(clock, graceSeconds * 1000, ended.signal, 'preStop hook').catch(() => {});
    const cut = new Promise<void>((resolve) => killNow?.addEventListener('abort', () => resolve(), { once: true }));
    const hooked = runHook(deps, hook, spec, container.id, podIp, ended.signal).catch((error) => {
      if (ended.signal.aborted) return;
      recorder.container(pod, spec.name, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${messageOf(error)}`);
    });
    await Promise.race([hooked, limit, cut]);
    ended.abort();
  }
  const leftSeconds = Math.ceil(graceSeconds - (clock.monotonicMs() - startMs) / 1000);
  const grace = graceSeconds === 0 ? 0 : Math.max(minimumGraceSeconds, leftSeconds);
  const kill = () => void runtime.stopContainer(container.id, 0).catch(() => {});
  if (killNow?.aborted) return runtime.stopContainer(container.id, 0);
  killNow?.addEventListener('abort', kill, { once: true });
  try {
    await runtime.stopContainer(container.id, grace);
  } finally {
    killNow?.removeEventListener('abort', kill);
  }
}

/** Ends all that runs: regular and init containers at once, then sidecars one by one in reverse order, in one grace. */
export async function stopPod(
  deps: StopDeps,
  pod: Pod,
  runtime: RuntimePod,
  graceSeconds: number,
  killNow: AbortSignal,
): Promise<void> {
  const startMs = deps.clock.monotonicMs();
  const sidecars = sidecarsInStopOrder(pod);
  const podIp = runtime.sandboxes[0]?.ips[0] ?? '';
  const running = runtime.containers.filter(({ state }) => state === 'running' || state === 'unknown');
  const left = () => {
    if (graceSeconds === 0) return 0;
    return Math.max(minimumGraceSeconds, Math.ceil(graceSeconds - (deps.clock.monotonicMs() - startMs) / 1000));
  };
  const stop = (container: RuntimeContainer, grace: number) =>
    stopContainer(deps, pod, container, grace, `Stopping container ${container.name}`, podIp, killNow);
  await all(running.filter(({ name }) => !sidecars.includes(name)).map((container) => stop(container, graceSeconds)));
  for (const name of sidecars)
    await all(running.filter((container) => container.name === name).map((container) => stop(container, left())));
}

/** Lets every one of them end, and only then fails as the first that failed. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
