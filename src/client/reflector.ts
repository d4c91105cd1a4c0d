/**
 * Keeps a local copy of a resource in step with the server.
 *
 * One loop: get a full state (streamed by a watch where the server can, else by a list), then follow the watch from its
 * revision. What breaks is answered by one switch: a broken stream is taken up again where it was, an expired revision
 * starts over with a full state, everything waits a growing time between failures.
 *
 * Invariants: 1. the sink sees a full state first, and again whenever continuity was lost; between two full states it
 * sees every change, in order, once; 2. an event at or before the revision already seen is a repetition and is dropped;
 * 3. the sink is called synchronously, never again once the signal is aborted.
 */
import { type Clock, sleep } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';
import { newGenericServerResponse } from '../machinery/status/errors.ts';
import { isBadRequest, isInvalid, isResourceExpired, isTooManyRequests, statusCause } from '../machinery/status/is.ts';
import { isStatus, StatusError } from '../machinery/status/status.ts';
import { Backoff } from './backoff.ts';
import { type ResourceClient, TransportError, type WatchEvent } from './client.ts';

export interface ReflectorSink<T> {
  /** The whole state as of `resourceVersion`: what is not in it is gone. */
  onReplace(items: readonly DeepReadonly<T>[], resourceVersion: string): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: DeepReadonly<T>): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Told of every failure that is waited out; the reflector goes on by itself. */
  readonly onError?: (error: unknown) => void;
}

/** client-go's: 800 ms doubling to 30 s, jittered up to twice, forgotten after 2 min without failure. */
const backoffOptions = { initialMs: 800, maxMs: 30_000, factor: 2, jitter: 1, resetAfterMs: 120_000 };
/** A watch is asked to last this long, times 1 to 2: so that thousands of them do not end together. */
const minWatchSeconds = 300;
/** A watch that ended sooner and empty counts as a failure: going on at once would spin. */
const shortWatchMs = 1000;
/** The annotation of the bookmark that ends a streamed initial state. */
const initialEventsEnd = 'k8s.io/initial-events-end';

type ListPlan = 'stream' | 'list';

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  #listPlan: ListPlan = 'stream';
  /** The newest revision of which everything has been seen; '' before the first full state. */
  #resourceVersion = '';
  /** Objects already seen at exactly that revision: a transaction may write several. */
  readonly #seenAtVersion = new Set<string>();
  #needsFullState = true;
  /** The last known revision had expired: ask for the newest state instead of one not older than it. */
  #expired = false;
  #expiredAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random, backoffOptions);
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  /** Runs until `signal` is aborted; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const before = this.#resourceVersion;
      let failure: unknown;
      try {
        await this.#listAndWatch(signal);
        const wasShort = clock.monotonicMs() - startedMs < shortWatchMs;
        if (wasShort && before === this.#resourceVersion)
          failure = new TransportError(`watch of ${this.#what()}: ended at once and brought nothing`);
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) return;
      if (failure === undefined) continue;
      const delayMs = this.#afterFailure(failure);
      if (delayMs === undefined) continue;
      onError?.(failure);
      await sleep(clock, delayMs, signal, `reflector ${this.#what()}: back-off`).catch(() => {});
    }
  }

  /** What a failure means for the next round. Returns how long to wait, undefined for not at all. */
  #afterFailure(error: unknown): number | undefined {
    if (isResourceExpired(error) || statusCause(error, 'ResourceVersionTooLarge')) {
      const nowMs = this.#options.clock.monotonicMs();
      const isRepeated = nowMs - this.#expiredAtMs < shortWatchMs;
      this.#expiredAtMs = nowMs;
      this.#needsFullState = true;
      this.#expired = true;
      // Once in a while it is the ordinary end of an old watch; a server that keeps saying so is given time.
      return isRepeated ? this.#backoff.next() : undefined;
    }
    if (this.#needsFullState && this.#listPlan === 'stream' && (isInvalid(error) || isBadRequest(error))) {
      // The server does not stream initial states.
      this.#listPlan = 'list';
      return undefined;
    }
    // No answer, or too much load: the watch can go on where it was. Any other refusal makes the state doubtful.
    if (!(error instanceof TransportError) && !isTooManyRequests(error)) this.#needsFullState = true;
    return this.#backoff.next();
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    if (this.#needsFullState && this.#listPlan === 'list') await this.#list(signal);
    signal.throwIfAborted();
    await this.#watch(signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, sink } = this.#options;
    const items: T[] = [];
    let next: string | undefined;
    let resourceVersion = '';
    do {
      const page = await client.list({
        ...this.#selectors(),
        // '0': whatever the server's cache holds. After an expiry only the newest is good enough.
        ...(next !== undefined
          ? { continue: next }
          : this.#expired
            ? {}
            : { resourceVersion: this.#resourceVersion || '0' }),
        signal,
      });
      items.push(...page.items);
      resourceVersion = page.metadata.resourceVersion ?? '';
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
    signal.throwIfAborted();
    this.#haveFullState(resourceVersion);
    sink.onReplace(items as unknown as DeepReadonly<T>[], resourceVersion);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, random } = this.#options;
    let initial: Map<string, DeepReadonly<T>> | undefined = this.#needsFullState ? new Map() : undefined;
    const batches = client.watch({
      ...this.#selectors(),
      ...(initial
        ? {
            sendInitialEvents: true,
            resourceVersionMatch: 'NotOlderThan' as const,
            ...(this.#expired || this.#resourceVersion === '' ? {} : { resourceVersion: this.#resourceVersion }),
          }
        : { resourceVersion: this.#resourceVersion }),
      allowWatchBookmarks: true,
      timeoutSeconds: Math.floor(minWatchSeconds * (1 + random.next())),
      signal,
    });
    for await (const batch of batches) {
      for (const event of batch) {
        if (signal.aborted) return;
        if (initial) initial = this.#initialEvent(event, initial);
        else this.#event(event);
      }
    }
    if (initial && !signal.aborted)
      throw new TransportError(`watch of ${this.#what()}: ended within the initial state`);
  }

  /** Gathers the initial state; gives undefined once it is complete and handed on. */
  #initialEvent(event: WatchEvent<T>, initial: Map<string, DeepReadonly<T>>): Map<string, DeepReadonly<T>> | undefined {
    const { object } = event;
    switch (event.type) {
      case 'ERROR':
        throw statusErrorOfEvent(object);
      case 'BOOKMARK': {
        if (object.metadata?.annotations?.[initialEventsEnd] !== 'true') return initial;
        const resourceVersion = object.metadata.resourceVersion ?? '';
        this.#haveFullState(resourceVersion);
        this.#options.sink.onReplace([...initial.values()], resourceVersion);
        return undefined;
      }
      case 'DELETED':
        initial.delete(keyOf(object));
        return initial;
      default:
        initial.set(keyOf(object), object);
        return initial;
    }
  }

  #event(event: WatchEvent<T>): void {
    const { object } = event;
    if (event.type === 'ERROR') throw statusErrorOfEvent(object);
    const resourceVersion = object.metadata?.resourceVersion ?? '';
    const order = compareResourceVersions(resourceVersion, this.#resourceVersion);
    if (event.type === 'BOOKMARK') {
      if (order > 0) this.#moveTo(resourceVersion);
      return;
    }
    if (order < 0) return;
    if (order > 0) this.#moveTo(resourceVersion);
    const key = keyOf(object);
    if (this.#seenAtVersion.has(key)) return;
    this.#seenAtVersion.add(key);
    this.#options.sink.onEvent(event.type, object);
  }

  #haveFullState(resourceVersion: string): void {
    this.#needsFullState = false;
    this.#expired = false;
    this.#moveTo(resourceVersion);
    // What the state holds at its own revision is not known here; the sink compares revisions of each object.
  }

  #moveTo(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#seenAtVersion.clear();
  }

  #selectors() {
    const { labelSelector, fieldSelector } = this.#options;
    return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
  }

  #what(): string {
    const { group, resource } = this.#options.client.resource;
    return group === '' ? resource : `${resource}.${group}`;
  }
}

/** `namespace/name`, or `name` for cluster scope: what caches and queues call an object. */
export function keyOf(object: { readonly metadata: { readonly namespace?: string; readonly name?: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : (name ?? '');
}

/** The parts of such a key. */
export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Revisions of one resource compare as unsigned integers of any length (API concepts, since v1.35). */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

function statusErrorOfEvent(object: unknown): StatusError {
  return isStatus(object)
    ? new StatusError(object)
    : newGenericServerResponse(
        500,
        'GET',
        { group: '', resource: '' },
        '',
        'a watch brought an error without a Status',
      );
}
