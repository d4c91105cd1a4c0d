import type * as core from '../../apis/generated/types/core/v1.ts';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { ResourceClient } from '../../client/client.ts';
import { timeText } from '../../machinery/meta/time.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { Node, Pod } from '../types.ts';
import { configHashAnnotation, configMirrorAnnotation, configSeenAnnotation, fullName, mirrors } from './static-pod.ts';

export interface StaticPodsDeps {
  readonly pods: ResourceClient<core.Pod>;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** The Node, whose its mirrors are; undefined while it is not known. */
  readonly node: () => Node | undefined;
  readonly workers: { update(pod: Pod): void; deleted(pod: Pod): void };
  readonly status: { mirrored(uid: string, mirror: Pod | undefined): void };
}

/** Between tries to bring a mirror into its place. */
const retryMs = 1000;

/** What is to be done about a mirror. Pure. `runs`: containers of that name may still be there. */
export function planMirror(input: {
  readonly wanted: Pod | undefined;
  readonly runs: boolean;
  readonly mirror: Pod | undefined;
}): 'none' | 'create' | 'delete' {
  const { wanted, runs, mirror } = input;
  if (wanted) return mirror ? (mirrors(mirror, wanted) ? 'none' : 'delete') : 'create';
  // The picture stays until there is nothing left to be seen.
  return mirror && !runs ? 'delete' : 'none';
}

/**
 * Static pods: their workers, and their mirrors at the API server. They run whether there is an API server or not, as
 * long as their manifest is there; a mirror that is deleted is made anew. Of one name only one content runs at a time:
 * a changed manifest's pod waits for the end of the one before.
 */
export class StaticPods {
  readonly #deps: StaticPodsDeps;
  readonly #sources = new Map<string, readonly Pod[] | undefined>();
  #wanted = new Map<string, Pod>();
  /** What workers look after, from the first update until nothing is left of it. */
  readonly #present = new Map<string, { readonly pod: Pod; ending: boolean }>();
  readonly #mirrors = new Map<string, Pod>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #stopping = new AbortController();
  #isServerKnown = false;
  #waiters: (() => void)[] = [];

  /** `sources`: those that must have been read before anything is taken away. */
  constructor(sources: readonly string[], deps: StaticPodsDeps) {
    this.#deps = deps;
    for (const source of sources) this.#sources.set(source, undefined);
  }

  /** All pods of a source, as of now. */
  set(source: string, pods: readonly Pod[]): void {
    this.#sources.set(source, pods);
    const before = this.#wanted;
    this.#wanted = new Map();
    for (const pod of [...this.#sources.values()].flatMap((own) => own ?? [])) {
      const name = fullName(pod);
      const known = before.get(name);
      if (this.#wanted.has(name)) this.#deps.log(`kubelet: static pod ${name} is there twice; the first counts`);
      else this.#wanted.set(name, known?.metadata.uid === pod.metadata.uid ? known! : this.#seen(pod));
    }
    if (this.isComplete) for (const wake of this.#waiters.splice(0)) wake();
    for (const name of new Set([...before.keys(), ...this.#wanted.keys(), ...this.#mirrors.keys()])) this.#look(name);
  }

  /** Every source has been read. */
  get isComplete(): boolean {
    return [...this.#sources.values()].every((pods) => pods !== undefined);
  }

  /** Resolves when every source has been read once. */
  whenComplete(signal: AbortSignal): Promise<void> {
    if (this.isComplete) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** A mirror pod of this node, as the API server has it. */
  mirrorSeen(mirror: Pod): void {
    this.#mirrors.set(fullName(mirror), mirror);
    this.#look(fullName(mirror));
  }

  mirrorGone(mirror: Pod): void {
    if (this.#mirrors.get(fullName(mirror))?.metadata.uid === mirror.metadata.uid)
      this.#mirrors.delete(fullName(mirror));
    this.#look(fullName(mirror));
  }

  /** All of this node's pods at the API server are known: from now on mirrors are made and deleted. */
  serverKnown(): void {
    this.#isServerKnown = true;
    for (const name of new Set([...this.#wanted.keys(), ...this.#mirrors.keys()])) this.#look(name);
  }

  /** Nothing is left of a pod on this node. */
  gone(uid: string): void {
    for (const [name, { pod }] of this.#present)
      if (pod.metadata.uid === uid) {
        this.#present.delete(name);
        this.#look(name);
      }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#busy.values());
  }

  #seen(pod: Pod): Pod {
    const seen = timeText(this.#deps.clock.now());
    const annotations = { ...pod.metadata.annotations, [configSeenAnnotation]: seen };
    return { ...pod, metadata: { ...pod.metadata, annotations } };
  }

  #look(name: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#driveWorker(name);
    const present = this.#present.get(name);
    if (present && !present.ending) {
      const mirror = this.#mirrors.get(name);
      this.#deps.status.mirrored(
        present.pod.metadata.uid!,
        mirror && mirrors(mirror, present.pod) ? mirror : undefined,
      );
    }
    if (!this.#isServerKnown) return;
    if (this.#busy.has(name)) {
      this.#again.add(name);
      return;
    }
    const work = this.#bringMirror(name).finally(() => {
      this.#busy.delete(name);
      if (this.#again.delete(name)) this.#look(name);
    });
    this.#busy.set(name, work);
  }

  #driveWorker(name: string): void {
    const wanted = this.#wanted.get(name);
    const present = this.#present.get(name);
    if (!present) {
      if (!wanted) return;
      this.#present.set(name, { pod: wanted, ending: false });
      this.#deps.workers.update(wanted);
    } else if (present.pod.metadata.uid !== wanted?.metadata.uid && !present.ending) {
      present.ending = true;
      this.#deps.workers.deleted(present.pod);
    }
  }

  async #bringMirror(name: string): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const wanted = this.#wanted.get(name);
      const mirror = this.#mirrors.get(name);
      const plan = planMirror({ wanted, runs: this.#present.has(name), mirror });
      if (plan === 'none' || (plan === 'delete' && !wanted && !this.isComplete)) return;
      try {
        if (plan === 'create') await this.#create(wanted!, signal);
        else await this.#delete(mirror!, signal);
        // What has been done comes back by the watch, which looks again.
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log(`kubelet: mirror of static pod ${name}: ${messageOf(error)}`);
        await sleep(this.#deps.clock, retryMs, signal, 'static pods: mirror').catch(() => {});
      }
    }
  }

  async #create(pod: Pod, signal: AbortSignal): Promise<void> {
    const node = this.#deps.node();
    if (!node?.metadata.uid) throw new Error(`node ${pod.spec?.nodeName} is not registered yet`);
    const { name, namespace, annotations, labels } = pod.metadata;
    const owner = {
      apiVersion: 'v1',
      kind: 'Node',
      name: node.metadata.name!,
      uid: node.metadata.uid,
      controller: true,
    };
    const body = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        ...(labels && { labels }),
        annotations: { ...annotations, [configMirrorAnnotation]: annotations?.[configHashAnnotation] },
        ownerReferences: [owner],
      },
      spec: pod.spec,
    } as unknown as core.Pod;
    try {
      const mirror = (await this.#deps.pods.namespace(namespace).create(body, { signal })) as Pod;
      // Before its watch event: the status need not wait for that.
      if (!this.#mirrors.has(fullName(mirror))) this.#mirrors.set(fullName(mirror), mirror);
      this.#again.add(fullName(mirror));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async #delete(mirror: Pod, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = mirror.metadata;
    try {
      await this.#deps.pods
        .namespace(namespace)
        .delete(name!, { gracePeriodSeconds: 0, preconditions: { uid: uid! }, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    this.mirrorGone(mirror);
  }
}
