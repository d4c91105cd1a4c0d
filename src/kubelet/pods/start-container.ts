import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { containerConfig } from '../containers/container-config.ts';
import { type NodeDirectories, podLogDirectory } from '../containers/directories.ts';
import { ContainerConfigError, containerEnv, type ObjectReader } from '../containers/env.ts';
import type { NodeFacts } from '../containers/field-path.ts';
import { runHook } from '../containers/hooks.ts';
import type { NodeResources } from '../containers/resources.ts';
import { ensureImageVolumes } from '../images/image-volumes.ts';
import type { ImageManager } from '../images/image-manager.ts';
import type { ContainerRuntime, PodSandboxConfig } from '../runtime/runtime.ts';
import type { KubeletMetrics } from '../metrics/kubelet-metrics.ts';
import type { Pod } from '../types.ts';
import { containerMounts } from '../volumes/container-mounts.ts';
import { recursiveReadOnlyWorks } from '../volumes/recursive-read-only.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import type { StartStep } from './plan.ts';
import type { PodRecorder } from './recorder.ts';
import { latestContainer, type RuntimePod } from './runtime-pod.ts';
import type { StartFailure } from './status/container-status.ts';

export interface StartContainerDeps {
  readonly runtime: ContainerRuntime;
  readonly images: ImageManager;
  readonly objects: ObjectReader;
  readonly recorder: PodRecorder;
  readonly dirs: NodeDirectories;
  readonly node: NodeResources;
  readonly clock: Clock;
  readonly meter?: Pick<KubeletMetrics, 'containerStarted'>;
}

export interface StartContext {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly sandboxId: string;
  readonly sandbox: PodSandboxConfig;
  readonly volumes: VolumePaths;
  readonly facts: NodeFacts;
  readonly signal: AbortSignal;
}

/**
 * Brings one container up: image, configuration, create, start, postStart hook. Returns why it does not run, undefined
 * when it does. Rejects only when aborted.
 */
export async function startContainer(
  deps: StartContainerDeps,
  context: StartContext,
  step: StartStep,
): Promise<StartFailure | undefined> {
  const { pod, signal } = context;
  const { spec } = step;
  const fails = (reason: string, message: string, event = `Error: ${message}`): StartFailure => {
    deps.meter?.containerStarted(step.kind, reason);
    deps.recorder.container(pod, spec.name, 'Warning', 'Failed', event);
    return { reason, message };
  };
  const ensured = await deps.images.ensure(pod, spec, signal);
  signal.throwIfAborted();
  if (ensured.kind === 'failed') {
    const { reason } = ensured.failure;
    deps.recorder.container(pod, spec.name, 'Warning', 'Failed', `Error: ${reason}`);
    return ensured.failure;
  }
  let id: string;
  try {
    const { objects, node, dirs } = deps;
    const { facts, volumes } = context;
    const env = await containerEnv({ pod, container: spec, objects, facts, node });
    const { restartCount } = step;
    const imageVolumes = await ensureImageVolumes(deps, pod, spec, signal);
    signal.throwIfAborted();
    if ('reason' in imageVolumes) return fails(imageVolumes.reason, imageVolumes.message);
    const recursiveReadOnly = await recursiveReadOnlyWorks(deps.runtime, spec);
    const input = { pod, container: spec, volumes, imageVolumes, recursiveReadOnly, env, restartCount, dirs };
    const mounts = await containerMounts(input);
    const target = pod.spec?.ephemeralContainers?.find((c) => c.name === spec.name)?.targetContainerName;
    const config = containerConfig({
      pod,
      container: spec,
      restartCount,
      dirs,
      node,
      image: ensured.image,
      env,
      mounts,
      targetContainerId: target ? latestContainer(context.runtime, target)?.id : undefined,
    });
    await mkdir(join(podLogDirectory(deps.dirs, pod), spec.name), { recursive: true, mode: 0o755 });
    if (step.previous?.state === 'created') await deps.runtime.removeContainer(step.previous.id);
    id = await deps.runtime.createContainer(context.sandboxId, config, context.sandbox);
  } catch (error) {
    signal.throwIfAborted();
    const isConfig = error instanceof ContainerConfigError;
    return fails(isConfig ? 'CreateContainerConfigError' : 'CreateContainerError', messageOf(error));
  }
  deps.recorder.container(pod, spec.name, 'Normal', 'Created', 'Container created');
  try {
    await deps.runtime.startContainer(id);
  } catch (error) {
    return fails('RunContainerError', messageOf(error));
  }
  deps.meter?.containerStarted(step.kind);
  deps.recorder.container(pod, spec.name, 'Normal', 'Started', 'Container started');
  const hook = spec.lifecycle?.postStart;
  if (!hook) return undefined;
  try {
    await runHook(deps, hook, spec, id, context.facts.podIps[0] ?? '', signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    deps.recorder.container(
      pod,
      spec.name,
      'Warning',
      'FailedPostStartHook',
      `PostStartHook failed: ${messageOf(error)}`,
    );
    deps.recorder.container(pod, spec.name, 'Normal', 'Killing', 'FailedPostStartHook');
    await deps.runtime.stopContainer(id, pod.spec?.terminationGracePeriodSeconds ?? 30);
    return { reason: 'PostStartHookError', message: messageOf(error) };
  }
}

/** Directories that a pod needs before its first container. */
export async function makePodDirectories(dirs: NodeDirectories, pod: Pod): Promise<void> {
  const directory = join(dirs.pods, pod.metadata.uid!);
  await mkdir(directory, { recursive: true, mode: 0o750 });
  await mkdir(podLogDirectory(dirs, pod), { recursive: true, mode: 0o755 });
}
