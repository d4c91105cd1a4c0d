import { type Clock, sleep } from '../../base/clock.ts';
import type { ResourceClient } from '../../client/client.ts';
import { compareResourceVersions } from '../../client/reflector.ts';
import type { Pod as ApiPod } from '../../apis/generated/types/core/v1.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import { resizeConditions } from '../resize/resize-state.ts';
import { isStaticPod } from '../static/static-pod.ts';
import type { ApiPodStatus, Pod, PodCondition, PodStatus } from '../types.ts';

export interface StatusManagerDeps {
  readonly pods: ResourceClient<ApiPod>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

interface Entry {
  pod: Pod;
  status: ApiPodStatus;
  /** What the server is known to have. */
  written: PodStatus | undefined;
  /** The revision of our last write; '' before it. */
  writtenVersion: string;
  dirty: boolean;
  /** The containers are gone: when the status is written and the pod is being deleted, delete it for good. */
  finished: boolean;
  deleted: boolean;
}

/** Between tries of a write that failed. */
const retryMs = 1000;

/**
 * Brings pod statuses to the API server: one write at a time for a pod, the newest status only, nothing when nothing
 * changed. Deletes a pod for good when it is being deleted and all of it has ended; never one that is not.
 */
export class StatusManager {
  readonly #deps: StatusManagerDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #busy = new Map<string, Promise<void>>();
  /** By the UIDs of static pods: what the API server shows in their place. */
  readonly #mirrors = new Map<string, Pod>();
  readonly #stopping = new AbortController();

  constructor(deps: StatusManagerDeps) {
    this.#deps = deps;
  }

  /** The status last computed here: newer than what a watch has brought back. */
  latest(uid: string): ApiPodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  /** Takes a status over; returns at once. */
  set(pod: Pod, status: ApiPodStatus): void {
    const entry = this.#entry(pod, status);
    entry.pod = pod;
    entry.status = status;
    entry.dirty = true;
    this.#kick(pod.metadata.uid!);
  }

  /**
   * Takes notice of the pod as the API server has it. Where someone else has changed what is ours (the node lifecycle
   * controller marks the pods of a silent node unready), it is written again.
   */
  observe(pod: Pod): void {
    const entry = isStaticPod(pod) ? undefined : this.#entries.get(pod.metadata.uid!);
    if (!entry || compareResourceVersions(pod.metadata.resourceVersion ?? '', entry.writtenVersion) <= 0) return;
    entry.pod = pod;
    entry.written = pod.status;
    if (!statusPatch(pod.status ?? {}, entry.status)) return;
    entry.dirty = true;
    this.#kick(pod.metadata.uid!);
  }

  /** What the API server shows of a static pod; its status goes there, and waits while there is nothing. */
  mirrored(uid: string, mirror: Pod | undefined): void {
    const before = this.#mirrors.get(uid);
    if (mirror) this.#mirrors.set(uid, mirror);
    else this.#mirrors.delete(uid);
    const entry = this.#entries.get(uid);
    if (!entry || !mirror) return;
    const isNew = before?.metadata.uid !== mirror.metadata.uid;
    if (!isNew && compareResourceVersions(mirror.metadata.resourceVersion ?? '', entry.writtenVersion) <= 0) return;
    entry.written = mirror.status;
    if (!statusPatch(mirror.status ?? {}, entry.status)) return;
    entry.dirty = true;
    this.#kick(uid);
  }

  /** All of the pod has ended, and this is its last status. */
  finish(pod: Pod, status: ApiPodStatus): void {
    this.#entry(pod, status).finished = true;
    this.set(pod, status);
  }

  /** The pod is gone from the server. */
  forget(uid: string): void {
    this.#entries.delete(uid);
    this.#mirrors.delete(uid);
  }

  /** Resolves when all that was set so far has been written or given up. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#busy.values());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.flush();
  }

  #entry(pod: Pod, status: ApiPodStatus): Entry {
    const uid = pod.metadata.uid!;
    let entry = this.#entries.get(uid);
    if (!entry) {
      entry = { pod, status, written: undefined, writtenVersion: '', dirty: false, finished: false, deleted: false };
      this.#entries.set(uid, entry);
    }
    return entry;
  }

  #kick(uid: string): void {
    if (this.#busy.has(uid) || this.#stopping.signal.aborted) return;
    const work = this.#work(uid).finally(() => {
      this.#busy.delete(uid);
      const entry = this.#entries.get(uid);
      if (entry?.dirty) this.#kick(uid);
    });
    this.#busy.set(uid, work);
  }

  async #work(uid: string): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const entry = this.#entries.get(uid);
      if (!entry?.dirty || signal.aborted) return;
      entry.dirty = false;
      try {
        await this.#write(entry, signal);
      } catch (error) {
        if (signal.aborted) return;
        // The pod is gone, or another one has its name: nobody is left to tell.
        if (isNotFound(error) || isConflict(error)) return;
        this.#deps.onError(error);
        entry.dirty = true;
        await sleep(this.#deps.clock, retryMs, signal, 'status manager: retry').catch(() => {});
      }
    }
  }

  async #write(entry: Entry, signal: AbortSignal): Promise<void> {
    const isStatic = isStaticPod(entry.pod);
    const target = isStatic ? this.#mirrors.get(entry.pod.metadata.uid!) : entry.pod;
    // `mirrored` will come back to it.
    if (!target) return;
    const { name, namespace, uid } = target.metadata;
    const pods = this.#deps.pods.namespace(namespace);
    const patch = statusPatch(entry.written ?? target.status ?? {}, entry.status);
    if (patch) {
      const status = entry.status;
      const body = { metadata: { uid }, status: patch };
      const answer = await pods.patch(name!, 'strategic', body, { subresource: 'status', signal });
      entry.written = status;
      entry.writtenVersion = answer.metadata.resourceVersion ?? '';
    }
    if (!isStatic && entry.finished && entry.pod.metadata.deletionTimestamp !== undefined && !entry.deleted) {
      await pods.delete(name!, { gracePeriodSeconds: 0, preconditions: { uid: uid! }, signal });
      entry.deleted = true;
    }
  }
}

/** Lists that a strategic merge would merge by key, and that the kubelet owns as a whole. */
const replacedLists = new Set(['podIPs', 'hostIPs']);

/** A strategic merge patch from one status to another; undefined when nothing differs. Conditions of others stay. */
export function statusPatch(from: PodStatus, to: ApiPodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const before = from as Readonly<Record<string, unknown>>;
  const after = to as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(after)) {
    if (key === 'conditions') {
      const changed = changedConditions(from.conditions ?? [], to.conditions ?? []);
      if (changed.length > 0) patch[key] = changed;
    } else if (!semanticEqual(before[key], value)) {
      patch[key] = replacedLists.has(key) ? [...(value as unknown[]), { $patch: 'replace' }] : value;
    }
  }
  for (const key of ownedFields) if (key in before && !(key in after)) patch[key] = null;
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Fields that vanish when we no longer state them; the rest belongs to others. */
const ownedFields = ['message', 'reason', 'initContainerStatuses', 'ephemeralContainerStatuses'];

/** Changed ones only; what a condition no longer says is taken out of the server's by a null. */
function changedConditions(from: NonNullable<PodStatus['conditions']>, to: readonly PodCondition[]): unknown[] {
  const ended = from.filter(({ type }) => resizeConditions.includes(type) && !to.some((c) => c.type === type));
  const changed: unknown[] = to.flatMap((condition) => {
    const before = from.find(({ type }) => type === condition.type);
    if (semanticEqual(before, condition)) return [];
    const gone = Object.keys(before ?? {}).filter((key) => !(key in condition));
    return [{ ...condition, ...Object.fromEntries(gone.map((key) => [key, null])) }];
  });
  return [...changed, ...ended.map(({ type }) => ({ type, $patch: 'delete' }))];
}
