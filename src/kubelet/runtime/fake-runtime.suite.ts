/** A runtime of plain objects for tests: it keeps what it is told, ends containers when told, and can misbehave. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import {
  type Container,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerRuntime,
  type ContainerState,
  type ContainerStatus,
  type ExecSyncResult,
  type Image,
  type LinuxResources,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxStatus,
  RuntimeError,
} from './runtime.ts';

interface Sandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdMs: number;
  readonly ip: string;
  ready: boolean;
}

interface FakeContainer {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: ContainerConfig;
  readonly createdMs: number;
  state: ContainerState;
  startedMs: number;
  finishedMs: number;
  exitCode: number;
  reason: string;
}

const nsPerMs = 1e6;

export class FakeRuntime implements ContainerRuntime {
  /** `run p`, `create main#0`, `start main#0`, `stop main 30`, `remove main#0`, `stop-sandbox p`, `remove-sandbox p`. */
  readonly calls: string[] = [];
  readonly faults = {
    /** Every call fails as if the runtime were away. */
    away: false,
    /** Nothing is told of what happens: the relist has to find out. */
    silent: false,
    /** Pulls wait for this. */
    pull: undefined as Promise<void> | undefined,
    /** Containers do not heed their stop signal. */
    stubborn: false,
  };
  readonly images = new Set(['app:1']);
  /** What commands in containers answer. */
  exec0: (command: readonly string[]) => number = () => 0;
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #listeners = new Set<(event: ContainerEvent | undefined) => void>();
  readonly #waiters = new Map<string, (() => void)[]>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The running container of that name. */
  running(name: string): string {
    for (const { id, config, state } of this.#containers.values())
      if (config.metadata.name === name && state === 'CONTAINER_RUNNING') return id;
    throw new Error(`no running container ${name}`);
  }

  names(): string[] {
    return [...this.#containers.values()].map(({ config, state }) => `${config.metadata.name} ${state}`);
  }

  get sandboxes(): number {
    return this.#sandboxes.size;
  }

  /** The container's process ends. */
  end(id: string, exitCode: number, reason = ''): void {
    const container = this.#containers.get(id)!;
    if (container.state !== 'CONTAINER_RUNNING') return;
    Object.assign(container, { state: 'CONTAINER_EXITED', exitCode, reason, finishedMs: this.#clock.now() });
    for (const wake of this.#waiters.get(id) ?? []) wake();
    this.#tell({ type: 'exit', containerId: id });
  }

  /** The event stream breaks, as when the runtime dies. */
  breakEvents(): void {
    for (const listener of this.#listeners) listener(undefined);
  }

  async version() {
    this.#answer('Version');
    return { runtimeName: 'fake', runtimeVersion: '1.2.3', runtimeApiVersion: 'v1' };
  }

  async status() {
    this.#answer('Status');
    return ['RuntimeReady', 'NetworkReady'].map((type) => ({ type, status: true, reason: '', message: '' }));
  }

  async runPodSandbox(config: PodSandboxConfig, runtimeHandler = ''): Promise<string> {
    this.#answer('RunPodSandbox', `run ${config.metadata.name}${runtimeHandler && ` by ${runtimeHandler}`}`);
    const id = `s${this.#next++}`;
    const ip = `10.0.0.${this.#next}`;
    this.#sandboxes.set(id, { id, config, ip, ready: true, createdMs: this.#clock.now() + this.#next / 1000 });
    return id;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    this.#answer('StopPodSandbox', `stop-sandbox ${sandbox?.config.metadata.name}`);
    if (!sandbox) return;
    for (const container of this.#containers.values()) if (container.sandbox === sandbox) this.end(container.id, 137);
    sandbox.ready = false;
  }

  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    this.#answer('RemovePodSandbox', `remove-sandbox ${sandbox?.config.metadata.name}`);
    for (const container of [...this.#containers.values()])
      if (container.sandbox === sandbox) this.#containers.delete(container.id);
    this.#sandboxes.delete(id);
  }

  async podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    this.#answer('PodSandboxStatus');
    const sandbox = this.#found(this.#sandboxes.get(id), 'PodSandboxStatus', id);
    return { ...sandboxOf(sandbox), network: { ip: sandbox.ip, additionalIps: [] } };
  }

  async listPodSandbox(filter: { readonly labelSelector?: Readonly<Record<string, string>> } = {}) {
    this.#answer('ListPodSandbox');
    return [...this.#sandboxes.values()].map(sandboxOf).filter(({ labels }) => selects(filter.labelSelector, labels));
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig): Promise<string> {
    this.#answer('CreateContainer', `create ${title(config)}`);
    const sandbox = this.#found(this.#sandboxes.get(sandboxId), 'CreateContainer', sandboxId);
    const id = `c${this.#next++}`;
    const log = join(sandboxConfig.logDirectory, config.logPath);
    mkdirSync(dirname(log), { recursive: true });
    writeFileSync(log, '');
    const createdMs = this.#clock.now() + this.#next / 1000;
    const unborn = { startedMs: 0, finishedMs: 0, exitCode: 0, reason: '' };
    this.#containers.set(id, { id, sandbox, config, createdMs, state: 'CONTAINER_CREATED', ...unborn });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#found(this.#containers.get(id), 'StartContainer', id);
    this.#answer('StartContainer', `start ${title(container.config)}`);
    container.state = 'CONTAINER_RUNNING';
    container.startedMs = this.#clock.now();
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const container = this.#containers.get(id);
    this.#answer('StopContainer', `stop ${container?.config.metadata.name} ${graceSeconds}`);
    if (container?.state !== 'CONTAINER_RUNNING') return;
    if (!this.faults.stubborn) return this.end(id, 143);
    if (graceSeconds === 0) return this.end(id, 137);
    // A second call may come with less grace: whichever ends it first.
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(graceSeconds * 1000, () => this.end(id, 137), 'fake runtime: grace');
      const wake = () => {
        timer.cancel();
        resolve();
      };
      this.#waiters.set(id, [...(this.#waiters.get(id) ?? []), wake]);
    });
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    this.#answer('RemoveContainer', container && `remove ${title(container.config)}`);
    this.#containers.delete(id);
  }

  async listContainers(filter: { readonly labelSelector?: Readonly<Record<string, string>> } = {}) {
    this.#answer('ListContainers');
    return [...this.#containers.values()]
      .map(containerOf)
      .filter(({ labels }) => selects(filter.labelSelector, labels));
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    this.#answer('ContainerStatus');
    const container = this.#found(this.#containers.get(id), 'ContainerStatus', id);
    const { config, sandbox } = container;
    return {
      ...containerOf(container),
      startedAt: container.startedMs * nsPerMs,
      finishedAt: container.finishedMs * nsPerMs,
      exitCode: container.exitCode,
      reason: container.reason,
      message: '',
      mounts: config.mounts,
      logPath: join(sandbox.config.logDirectory, config.logPath),
    };
  }

  async execSync(_id: string, command: readonly string[]): Promise<ExecSyncResult> {
    this.#answer('ExecSync');
    return { stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: this.exec0(command) };
  }

  async *events(signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    const queue: (ContainerEvent | undefined)[] = [];
    let wake = () => {};
    const listener = (event: ContainerEvent | undefined) => {
      queue.push(event);
      wake();
    };
    this.#listeners.add(listener);
    try {
      while (!signal.aborted) {
        if (queue.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        while (queue.length > 0) {
          const event = queue.shift();
          if (!event) throw new RuntimeError('Subscribe', 14, 'connection dropped');
          yield event;
        }
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  async imageStatus(image: string): Promise<Image | undefined> {
    this.#answer('ImageStatus');
    if (!this.images.has(image)) return undefined;
    return { id: image, repoTags: [image], repoDigests: [], size: 1, uid: null, username: '', pinned: false };
  }

  async pullImage(image: string): Promise<string> {
    this.#answer('PullImage', `pull ${image}`);
    await this.faults.pull;
    this.images.add(image);
    return image;
  }

  async listImages() {
    return [...this.images].map((name) => ({
      id: name,
      repoTags: [name],
      repoDigests: [],
      size: 1,
      uid: null,
      username: '',
      pinned: false,
    }));
  }

  async cgroupDriver() {
    return undefined;
  }

  async listContainerStats() {
    return [];
  }

  async listPodSandboxStats() {
    return [];
  }

  async imageFsInfo() {
    return [];
  }

  onRemoveImage: () => void = () => {};

  async removeImage(image: string): Promise<void> {
    this.images.delete(image);
    this.onRemoveImage();
  }

  async updateContainerResources(id: string, resources: LinuxResources): Promise<void> {
    const what = resources.memoryLimitInBytes === undefined ? 'cpu' : 'memory';
    this.#answer('UpdateContainerResources', `update ${this.#containers.get(id)?.config.metadata.name} ${what}`);
  }
  async reopenContainerLog(): Promise<void> {}
  async close(): Promise<void> {}
  containerStats = () => Promise.reject(new RuntimeError('ContainerStats', 12, 'not in the fake'));
  exec = () => Promise.reject(new RuntimeError('Exec', 12, 'not in the fake'));
  attach = () => Promise.reject(new RuntimeError('Attach', 12, 'not in the fake'));
  portForward = () => Promise.reject(new RuntimeError('PortForward', 12, 'not in the fake'));

  #answer(method: string, call?: string): void {
    if (this.faults.away) throw new RuntimeError(method, 14, 'connection refused');
    if (call !== undefined) this.calls.push(call);
  }

  #found<T>(found: T | undefined, method: string, id: string): T {
    if (!found) throw new RuntimeError(method, 5, `${id} not found`);
    return found;
  }

  #tell(event: ContainerEvent): void {
    if (!this.faults.silent) for (const listener of this.#listeners) listener(event);
  }
}

const title = ({ metadata }: ContainerConfig) => `${metadata.name}#${metadata.attempt}`;

function sandboxOf({ id, config, createdMs, ready }: Sandbox): PodSandbox {
  const { metadata, labels, annotations } = config;
  const state = ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY';
  return { id, metadata, labels, annotations, state, createdAt: createdMs * nsPerMs };
}

function containerOf({ id, sandbox, config, createdMs, state }: FakeContainer): Container {
  const { metadata, image, labels, annotations } = config;
  const createdAt = createdMs * nsPerMs;
  return {
    id,
    podSandboxId: sandbox.id,
    metadata,
    image,
    imageRef: image.image,
    labels,
    annotations,
    state,
    createdAt,
  };
}

function selects(selector: Readonly<Record<string, string>> | undefined, labels: Readonly<Record<string, string>>) {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}
