import { type Clock, sleep } from '../../base/clock.ts';
import { httpProbe, tcpProbe } from '../probes/prober.ts';
import { httpTarget, resolvePort } from '../probes/probe-target.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { ContainerSpec, LifecycleHandler } from '../types.ts';

export interface HookDeps {
  readonly runtime: Pick<RuntimeService, 'execSync'>;
  readonly clock: Clock;
}

/** How long a hook over the network may take (upstream has no limit but the pod's grace). */
const networkTimeoutMs = 30_000;

/** Runs a lifecycle hook to its end. Rejects when it fails; the message is for the FailedPostStartHook event. */
export async function runHook(
  deps: HookDeps,
  handler: LifecycleHandler,
  container: ContainerSpec,
  containerId: string,
  podIp: string,
  signal?: AbortSignal,
): Promise<void> {
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { exitCode, stdout, stderr } = await deps.runtime.execSync(containerId, command, 0);
    if (exitCode === 0) return;
    const said = Buffer.concat([stdout, stderr]).toString();
    throw new Error(
      `Exec lifecycle hook ([${command.join(' ')}]) for Container "${container.name}" failed - error: command '${command.join(' ')}' exited with ${exitCode}: ${said}, message: "${said}"`,
    );
  }
  if (handler.sleep) {
    await sleep(deps.clock, handler.sleep.seconds * 1000, signal, 'lifecycle hook: sleep');
    return;
  }
  if (handler.httpGet) {
    const target = httpTarget(handler.httpGet, container, podIp, 'kube-lifecycle/1.36');
    const { outcome, output } = await httpProbe(target, networkTimeoutMs);
    if (outcome !== 'success') throw new Error(`HTTP lifecycle hook (${target.url}) failed: ${output}`);
    return;
  }
  if (handler.tcpSocket) {
    const port = resolvePort(handler.tcpSocket.port, container);
    const { outcome, output } = await tcpProbe(handler.tcpSocket.host || podIp, port, networkTimeoutMs);
    if (outcome !== 'success') throw new Error(`TCP lifecycle hook failed: ${output}`);
  }
}
