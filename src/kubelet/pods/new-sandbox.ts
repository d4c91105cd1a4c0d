import { messageOf } from '../../base/errors.ts';
import type { PodCgroups } from '../node/pod-cgroups.ts';
import type { RuntimeClasses } from '../objects/runtime-classes.ts';
import type { PodSandboxConfig, RuntimeService } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import type { PodRecorder } from './recorder.ts';

export interface NewSandboxDeps {
  readonly runtime: RuntimeService;
  readonly recorder: PodRecorder;
  readonly runtimeClasses: Pick<RuntimeClasses, 'handler'>;
  readonly cgroups: Pick<PodCgroups, 'create'>;
}

/** Makes a pod's cgroup and its sandbox; addresses are empty on the node's network. Rejects after having told why. */
export async function newSandbox(
  deps: NewSandboxDeps,
  pod: Pod,
  config: PodSandboxConfig,
  attempt: number,
): Promise<{ readonly id: string; readonly ips: readonly string[] }> {
  const { runtime, recorder } = deps;
  if (attempt > 0) {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    recorder.pod(pod, 'Normal', 'SandboxChanged', message);
  }
  try {
    const handler = await deps.runtimeClasses.handler(pod);
    deps.cgroups.create(pod);
    const id = await runtime.runPodSandbox(config, handler);
    const { network } = await runtime.podSandboxStatus(id);
    const ips = network?.ip ? [network.ip, ...network.additionalIps.map(({ ip }) => ip)] : [];
    return { id, ips };
  } catch (error) {
    const network = (await runtime.status()).find(({ type }) => type === 'NetworkReady');
    if (network && !network.status) {
      const why = `NetworkReady=false reason:${network.reason} message:${network.message}`;
      const message = `network is not ready: container runtime network not ready: ${why}`;
      recorder.pod(pod, 'Warning', 'NetworkNotReady', message);
      throw new Error(message, { cause: error });
    }
    const message = `Failed to create pod sandbox: ${messageOf(error)}`;
    recorder.pod(pod, 'Warning', 'FailedCreatePodSandBox', message);
    throw error;
  }
}
