import descriptor from './api.json' with { type: 'json' };
import { GrpcChannel } from './channel.ts';
import {
  type AuthConfig,
  type Container,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerRuntime,
  type ContainerStats,
  type ContainerStatus,
  type ExecSyncResult,
  type FilesystemUsage,
  type Image,
  type LinuxResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxStats,
  type PodSandboxStatus,
  RuntimeError,
  type RuntimeCondition,
  type RuntimeVersion,
  type StreamOptions,
} from '../runtime.ts';

const runtimeService = 'runtime.v1.RuntimeService';
const imageService = 'runtime.v1.ImageService';
/** Upstream's runtimeRequestTimeout: long enough for a loaded node, short enough to notice a hung runtime. */
const defaultTimeoutMs = 120_000;

export interface CriRuntimeOptions {
  readonly socketPath: string;
  readonly timeoutMs?: number;
  /** Where events come from; without it CRI's own GetContainerEvents is used (containerd 1.7 and later). */
  readonly events?: (signal: AbortSignal) => AsyncIterable<ContainerEvent>;
}

/** CRI v1 over gRPC. The message table beside this file holds field numbers of the API's definition, and nothing else. */
export class CriRuntime implements ContainerRuntime {
  readonly #channel: GrpcChannel;
  readonly #timeoutMs: number;
  readonly #events: CriRuntimeOptions['events'];

  constructor(options: CriRuntimeOptions) {
    this.#channel = new GrpcChannel(`unix:${options.socketPath}`, descriptor);
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#events = options.events;
  }

  version(): Promise<RuntimeVersion> {
    return this.#runtime('Version', {});
  }

  async status(): Promise<readonly RuntimeCondition[]> {
    const answer = await this.#runtime<{ status: { conditions: RuntimeCondition[] } | null }>('Status', {});
    return answer.status?.conditions ?? [];
  }

  async runPodSandbox(config: PodSandboxConfig, runtimeHandler = ''): Promise<string> {
    const request = { config, runtimeHandler };
    // Twice the usual time, as upstream: setting up a network may take long.
    const answer = await this.#runtime<{ podSandboxId: string }>('RunPodSandbox', request, this.#timeoutMs * 2);
    return answer.podSandboxId;
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    await ignoreNotFound(this.#runtime('StopPodSandbox', { podSandboxId }));
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    await ignoreNotFound(this.#runtime('RemovePodSandbox', { podSandboxId }));
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    return (await this.#runtime<{ status: PodSandboxStatus }>('PodSandboxStatus', { podSandboxId })).status;
  }

  async listPodSandbox(filter: object = {}): Promise<readonly PodSandbox[]> {
    return (await this.#runtime<{ items: PodSandbox[] }>('ListPodSandbox', { filter })).items;
  }

  async createContainer(podSandboxId: string, config: ContainerConfig, sandbox: PodSandboxConfig): Promise<string> {
    // Values of variables are bytes on the wire.
    const envs = config.envs.map(({ key, value }) => ({ key, value: Buffer.from(value) }));
    const request = { podSandboxId, config: { ...config, envs }, sandboxConfig: sandbox };
    return (await this.#runtime<{ containerId: string }>('CreateContainer', request)).containerId;
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#runtime('StartContainer', { containerId });
  }

  async stopContainer(containerId: string, graceSeconds: number): Promise<void> {
    const request = { containerId, timeout: graceSeconds };
    await ignoreNotFound(this.#runtime('StopContainer', request, this.#timeoutMs + graceSeconds * 1000));
  }

  async removeContainer(containerId: string): Promise<void> {
    await ignoreNotFound(this.#runtime('RemoveContainer', { containerId }));
  }

  async listContainers(filter: object = {}): Promise<readonly Container[]> {
    return (await this.#runtime<{ containers: Container[] }>('ListContainers', { filter })).containers;
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    return (await this.#runtime<{ status: ContainerStatus }>('ContainerStatus', { containerId })).status;
  }

  async updateContainerResources(containerId: string, linux: LinuxResources): Promise<void> {
    await this.#runtime('UpdateContainerResources', { containerId, linux });
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    await this.#runtime('ReopenContainerLog', { containerId });
  }

  execSync(containerId: string, cmd: readonly string[], timeoutSeconds: number): Promise<ExecSyncResult> {
    // The runtime enforces the time itself; ours only guards against a runtime that does not answer.
    const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 + this.#timeoutMs : 0;
    return this.#runtime('ExecSync', { containerId, cmd, timeout: timeoutSeconds }, timeoutMs);
  }

  async exec(containerId: string, cmd: readonly string[], options: StreamOptions): Promise<string> {
    return (await this.#runtime<{ url: string }>('Exec', { containerId, cmd, ...options })).url;
  }

  async attach(containerId: string, options: StreamOptions): Promise<string> {
    return (await this.#runtime<{ url: string }>('Attach', { containerId, ...options })).url;
  }

  async portForward(podSandboxId: string, port: readonly number[]): Promise<string> {
    return (await this.#runtime<{ url: string }>('PortForward', { podSandboxId, port })).url;
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    return (await this.#runtime<{ stats: ContainerStats }>('ContainerStats', { containerId })).stats;
  }

  async listContainerStats(): Promise<readonly ContainerStats[]> {
    return (await this.#runtime<{ stats: ContainerStats[] }>('ListContainerStats', { filter: {} })).stats;
  }

  async cgroupDriver(): Promise<'systemd' | 'cgroupfs' | undefined> {
    const unimplemented = 12;
    try {
      const { linux } = await this.#runtime<{ linux: { cgroupDriver: string } | null }>('RuntimeConfig', {});
      return linux ? (linux.cgroupDriver === 'CGROUPFS' ? 'cgroupfs' : 'systemd') : undefined;
    } catch (error) {
      if (error instanceof RuntimeError && error.code === unimplemented) return undefined;
      throw error;
    }
  }

  async listPodSandboxStats(): Promise<readonly PodSandboxStats[]> {
    return (await this.#runtime<{ stats: PodSandboxStats[] }>('ListPodSandboxStats', { filter: {} })).stats;
  }

  events(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    return this.#events ? this.#events(signal) : this.#criEvents(signal);
  }

  async listImages(): Promise<readonly Image[]> {
    return (await this.#images<{ images: Image[] }>('ListImages', {})).images;
  }

  async imageStatus(image: string): Promise<Image | undefined> {
    const answer = await this.#images<{ image: Image | null }>('ImageStatus', { image: { image } });
    return answer.image && answer.image.id !== '' ? answer.image : undefined;
  }

  async pullImage(image: string, auth?: AuthConfig, signal?: AbortSignal): Promise<string> {
    const request = { image: { image }, ...(auth && { auth }) };
    // A big image over a thin line takes as long as it takes: the runtime itself gives up when nothing moves.
    return (await this.#images<{ imageRef: string }>('PullImage', request, 0, signal)).imageRef;
  }

  async removeImage(image: string): Promise<void> {
    await ignoreNotFound(this.#images('RemoveImage', { image: { image } }));
  }

  async imageFsInfo(): Promise<readonly FilesystemUsage[]> {
    return (await this.#images<{ imageFilesystems: FilesystemUsage[] }>('ImageFsInfo', {})).imageFilesystems;
  }

  async close(): Promise<void> {
    this.#channel.close();
  }

  async *#criEvents(signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    const types = {
      CONTAINER_CREATED_EVENT: 'create',
      CONTAINER_STARTED_EVENT: 'start',
      CONTAINER_STOPPED_EVENT: 'exit',
      CONTAINER_DELETED_EVENT: 'delete',
    } as const;
    interface Event {
      readonly containerId: string;
      readonly containerEventType: keyof typeof types;
    }
    for await (const event of this.#channel.stream<Event>(runtimeService, 'GetContainerEvents', {}, signal))
      yield { type: types[event.containerEventType], containerId: event.containerId };
  }

  #runtime<T>(method: string, request: object, timeoutMs = this.#timeoutMs): Promise<T> {
    return this.#channel.unary(runtimeService, method, request, { timeoutMs });
  }

  #images<T>(method: string, request: object, timeoutMs = this.#timeoutMs, signal?: AbortSignal): Promise<T> {
    return this.#channel.unary(imageService, method, request, { timeoutMs, ...(signal && { signal }) });
  }
}

async function ignoreNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof RuntimeError && error.notFound)) throw error;
  }
}
