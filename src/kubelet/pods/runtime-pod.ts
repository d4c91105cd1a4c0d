import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  containerNameLabel,
  hashAnnotation,
  podGraceAnnotation,
  podNameLabel,
  podNamespaceLabel,
  podUidLabel,
  resourcesAnnotation,
  restartCountAnnotation,
  terminationMessagePathAnnotation,
  terminationMessagePolicyAnnotation,
} from '../containers/labels.ts';
import type { Resources } from '../resize/compute.ts';
import { tailMessages } from '../logs/tail.ts';
import { type ContainerStatus, type PodSandbox, RuntimeError, type RuntimeService } from '../runtime/runtime.ts';

/** A container as the runtime has it. Times are wall milliseconds; 0 while they have not come. */
export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly restartCount: number;
  readonly hash: string;
  /** What it was started with; undefined where that was not noted. */
  readonly resources?: Resources | undefined;
  /** Of its pod, as it was at the container's start: for when the pod is no longer known. */
  readonly podGraceSeconds?: number;
  readonly createdMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly reason: string;
  /** The runtime's words, or once exited what the container wrote as its termination message. */
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  /** Absolute. */
  readonly logPath: string;
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdMs: number;
  /** Empty for pods on the node's network. */
  readonly ips: readonly string[];
}

/** All that the runtime has of one pod; newest first. */
export interface RuntimePod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
}

export function latestContainer(pod: RuntimePod, name: string): RuntimeContainer | undefined {
  return pod.containers.find((container) => container.name === name);
}

const nsPerMs = 1e6;
/** Upstream's bounds of a termination message, and of its replacement from the log. */
const maxMessageBytes = 4096;
const maxLogMessageBytes = 2048;
const maxLogMessageLines = 80;

/**
 * Reads pods from the runtime. What can no longer change (an exited container, a ready sandbox's addresses) is asked for
 * once.
 */
export class RuntimePodReader {
  readonly #runtime: RuntimeService;
  readonly #exited = new Map<string, RuntimeContainer>();
  readonly #addresses = new Map<string, readonly string[]>();
  /** From container and sandbox ids to pod UIDs. */
  readonly #owners = new Map<string, string>();

  constructor(runtime: RuntimeService) {
    this.#runtime = runtime;
  }

  /** The UID of the pod that a container or sandbox belongs to, as far as it was read. */
  ownerOf(id: string): string | undefined {
    return this.#owners.get(id);
  }

  /** Whether a container or sandbox runs no longer; what is gone has ended. */
  async hasEnded(id: string): Promise<boolean> {
    const container = await this.#runtime.containerStatus(id).catch(ignoreNotFound);
    if (container) return container.state === 'CONTAINER_EXITED' || container.state === 'CONTAINER_UNKNOWN';
    const sandbox = await this.#runtime.podSandboxStatus(id).catch(ignoreNotFound);
    return sandbox?.state !== 'SANDBOX_READY';
  }

  /** One pod; empty when the runtime has nothing of it. */
  async read(uid: string): Promise<RuntimePod> {
    const labelSelector = { [podUidLabel]: uid };
    const [sandboxes, containers] = await Promise.all([
      this.#runtime.listPodSandbox({ labelSelector }),
      this.#runtime.listContainers({ labelSelector }),
    ]);
    for (const { id } of [...sandboxes, ...containers]) this.#owners.set(id, uid);
    const labels = sandboxes[0]?.labels ?? containers[0]?.labels ?? {};
    const [readSandboxes, readContainers] = await Promise.all([
      Promise.all(sandboxes.map((sandbox) => this.#sandbox(sandbox))),
      Promise.all(
        containers.map((c) => {
          const known = this.#exited.get(c.id);
          return known ?? this.#container(c.id, c.podSandboxId);
        }),
      ),
    ]);
    return {
      uid,
      name: labels[podNameLabel] ?? '',
      namespace: labels[podNamespaceLabel] ?? '',
      sandboxes: readSandboxes.sort((a, b) => b.createdMs - a.createdMs),
      containers: readContainers
        .filter((container) => container !== undefined)
        .sort((a, b) => b.createdMs - a.createdMs),
    };
  }

  /** Each pod that the runtime knows, with a text that changes when any of its sandboxes or containers does. */
  async fingerprints(): Promise<Map<string, string>> {
    const [sandboxes, containers] = await Promise.all([this.#runtime.listPodSandbox(), this.#runtime.listContainers()]);
    const parts = new Map<string, string[]>();
    for (const { id, state, labels } of [...sandboxes, ...containers]) {
      const uid = labels[podUidLabel];
      if (uid === undefined) continue;
      const list = parts.get(uid) ?? [];
      list.push(`${id}=${state}`);
      parts.set(uid, list);
    }
    const present = new Set([...sandboxes, ...containers].map((item) => item.id));
    for (const cache of [this.#exited, this.#addresses, this.#owners])
      for (const id of cache.keys()) if (!present.has(id)) cache.delete(id);
    return new Map([...parts].map(([uid, list]) => [uid, list.sort().join(' ')]));
  }

  async #sandbox(sandbox: PodSandbox): Promise<RuntimeSandbox> {
    const ready = sandbox.state === 'SANDBOX_READY';
    let ips = this.#addresses.get(sandbox.id);
    if (!ips && ready) {
      const network = await this.#runtime
        .podSandboxStatus(sandbox.id)
        .then((status) => status.network)
        .catch(ignoreNotFound);
      ips = network?.ip ? [network.ip, ...network.additionalIps.map(({ ip }) => ip)] : [];
      if (ips.length > 0) this.#addresses.set(sandbox.id, ips);
    }
    return {
      id: sandbox.id,
      attempt: sandbox.metadata.attempt,
      ready,
      createdMs: sandbox.createdAt / nsPerMs,
      ips: ips ?? [],
    };
  }

  /** Undefined when it was removed meanwhile. */
  async #container(id: string, sandboxId: string): Promise<RuntimeContainer | undefined> {
    const status = await this.#runtime.containerStatus(id).catch(ignoreNotFound);
    if (!status) return undefined;
    const container = toRuntimeContainer(status, sandboxId);
    if (container.state === 'exited') this.#exited.set(id, container);
    return container;
  }
}

function parseResources(text: string | undefined): Resources | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Resources);
}

const states = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
} as const;

function toRuntimeContainer(status: ContainerStatus, sandboxId: string): RuntimeContainer {
  const state = states[status.state];
  return {
    id: status.id,
    sandboxId,
    name: status.labels[containerNameLabel] ?? status.metadata.name,
    state,
    restartCount: Number(status.annotations[restartCountAnnotation] ?? status.metadata.attempt),
    hash: status.annotations[hashAnnotation] ?? '',
    resources: parseResources(status.annotations[resourcesAnnotation]),
    ...(podGraceAnnotation in status.annotations && {
      podGraceSeconds: Number(status.annotations[podGraceAnnotation]),
    }),
    createdMs: status.createdAt / nsPerMs,
    startedMs: Math.max(0, status.startedAt / nsPerMs),
    finishedMs: Math.max(0, status.finishedAt / nsPerMs),
    exitCode: status.exitCode,
    reason: status.reason,
    message: state === 'exited' ? terminationMessage(status) : status.message,
    image: status.image.userSpecifiedImage || status.image.image,
    imageRef: status.imageRef,
    logPath: status.logPath,
  };
}

/** What the container left at its termination message path; else, if its policy says so, the end of its log. */
function terminationMessage(status: ContainerStatus): string {
  const path = status.annotations[terminationMessagePathAnnotation];
  const mount = status.mounts.find((m) => m.containerPath === path);
  let message = mount ? readHead(mount.hostPath, maxMessageBytes) : '';
  const fallsBack = status.annotations[terminationMessagePolicyAnnotation] === 'FallbackToLogsOnError';
  if (message === '' && fallsBack && status.exitCode !== 0)
    message = tailMessages(status.logPath, maxLogMessageLines, maxLogMessageBytes);
  return message || status.message;
}

function readHead(path: string, maxBytes: number): string {
  try {
    const file = openSync(path, 'r');
    try {
      const size = Math.min(maxBytes, fstatSync(file).size);
      const buffer = Buffer.alloc(size);
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, size, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (error instanceof RuntimeError && error.notFound) return undefined;
  throw error;
}
