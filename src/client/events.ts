/**
 * Writes core/v1 Events: what `kubectl describe` shows. Best effort by design: an Event never holds up a component, and
 * is lost rather than queued without bound.
 *
 * As client-go's recorder, in this order: alike events (same object, reason, type, but other message) past ten in ten
 * minutes become one; a source that floods one object is cut off (25, then one every 5 minutes); an event that was
 * written before is counted up by a patch instead of written again.
 */
import { timeText } from '../machinery/meta/time.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';
import { isAlreadyExists, isNotFound } from '../machinery/status/is.ts';
import { StatusError } from '../machinery/status/status.ts';
import type { Client, ResourceClient } from './client.ts';
import { TokenBucket } from './workqueue.ts';

export interface EventRecorder {
  /** `type` Normal or Warning; `reason` in CamelCase. Returns at once. */
  event(object: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** What an Event is about. Objects from informers have it all; `apiVersion` and `kind` must be set. */
export type EventSubject = DeepReadonly<KubeObject> & { readonly fieldPath?: string };

export interface EventBroadcasterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly onError?: (error: unknown) => void;
}

interface ObjectReference {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

interface CoreEvent extends KubeObject {
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  source: { component: string; host?: string };
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
  type: string;
  eventTime: null;
  reportingComponent: string;
  reportingInstance: string;
}

/** Events waiting to be written; what comes on top is dropped. */
const maxQueued = 1000;
const maxSimilar = 10;
const similarIntervalMs = 600_000;
const spamBurst = 25;
const spamPerSecond = 1 / 300;
/** Of each memory of what was seen; the oldest is forgotten. */
const maxRemembered = 4096;
const maxTries = 12;
const retryMs = 10_000;

/** Shared by the recorders of a process: one memory, one queue. */
export class EventBroadcaster {
  readonly #events: ResourceClient<CoreEvent>;
  readonly #clock: Clock;
  readonly #correlator: Correlator;
  readonly #queue: CoreEvent[] = [];
  readonly #lifetime: Lifetime;
  #wake: (() => void) | undefined;
  #started = false;
  #sequence = 0;

  constructor(options: EventBroadcasterOptions) {
    this.#events = options.client.resource<CoreEvent>({ group: '', version: 'v1', resource: 'events' });
    this.#clock = options.clock;
    this.#correlator = new Correlator(options.clock);
    this.#lifetime = new Lifetime((error) => options.onError?.(error));
    this.#lifetime.signal.addEventListener('abort', () => this.#wake?.());
  }

  /** A recorder for one component (`deployment-controller`); `host` where there are several of it, as kubelets. */
  recorder(component: string, host?: string): EventRecorder {
    return {
      event: (object, type, reason, message) => this.#record(component, host, object, type, reason, message),
    };
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#lifetime.spawn((signal) => this.#write(signal));
  }

  /** Ends; what still waits is lost. */
  stop(): Promise<void> {
    return this.#lifetime.stop();
  }

  #record(
    component: string,
    host: string | undefined,
    object: EventSubject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    if (this.#queue.length >= maxQueued || this.#lifetime.stopped) return;
    const nowMs = this.#clock.now();
    const { name = '', namespace, uid, resourceVersion } = object.metadata;
    const timestamp = timeText(nowMs);
    // Unique for an object: the time in nanoseconds, of which the last digits count up here.
    const suffix = (BigInt(nowMs) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000)).toString(16);
    this.#queue.push({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace: namespace ?? 'default' },
      involvedObject: {
        ...(object.kind ? { kind: object.kind } : {}),
        ...(namespace ? { namespace } : {}),
        name,
        ...(uid ? { uid } : {}),
        ...(object.apiVersion ? { apiVersion: object.apiVersion } : {}),
        ...(resourceVersion ? { resourceVersion } : {}),
        ...(object.fieldPath ? { fieldPath: object.fieldPath } : {}),
      },
      reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
    this.#wake?.();
  }

  async #write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = this.#queue.shift();
      if (!event) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const correlated = this.#correlator.correlate(event);
      if (correlated) await this.#writeOne(correlated, signal);
    }
  }

  async #writeOne({ event, patch }: Correlated, signal: AbortSignal): Promise<void> {
    const client = this.#events.namespace(event.metadata.namespace);
    for (let tries = 0; tries < maxTries; tries++) {
      try {
        let written: CoreEvent;
        if (patch) {
          written = await client.patch(event.metadata.name!, 'strategic', patch, { signal }).catch((error: unknown) => {
            // It has expired meanwhile: begin anew under the same name.
            if (isNotFound(error)) return client.create<CoreEvent>(event, { signal });
            throw error;
          });
        } else written = await client.create<CoreEvent>(event, { signal });
        this.#correlator.wrote(event, written);
        return;
      } catch (error) {
        if (signal.aborted) return;
        // The server has understood and refused (no namespace, not valid, not allowed): again changes nothing.
        if (error instanceof StatusError || isAlreadyExists(error)) return;
        await sleep(this.#clock, retryMs, signal, 'events: retry').catch(() => {});
      }
    }
  }
}

interface Correlated {
  readonly event: CoreEvent;
  /** When it was written before: what to change there. */
  readonly patch?: unknown;
}

/** Decides what becomes of an event in the light of those before it. */
class Correlator {
  readonly #clock: Clock;
  /** Per group of alike events: the messages seen, and since when. */
  readonly #similar = new Bounded<{ readonly messages: Set<string>; lastMs: number }>(maxRemembered);
  readonly #written = new Bounded<{ name: string; count: number; firstTimestamp: string }>(maxRemembered);
  readonly #spam = new Bounded<TokenBucket>(maxRemembered);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined: to be dropped. */
  correlate(event: CoreEvent): Correlated | undefined {
    const { event: aggregated, key } = this.#aggregate(event);
    const spamKey = [sourceKey(event), objectKey(event)].join('|');
    const bucket = this.#spam.getOrAdd(spamKey, () => new TokenBucket(this.#clock, spamPerSecond, spamBurst));
    if (!bucket.tryTake()) return undefined;
    const before = this.#written.get(key);
    if (!before) return { event: aggregated };
    const counted: CoreEvent = {
      ...aggregated,
      metadata: { ...aggregated.metadata, name: before.name },
      firstTimestamp: before.firstTimestamp,
      count: before.count + 1,
    };
    const { message, count, lastTimestamp } = counted;
    return { event: counted, patch: { message, count, lastTimestamp } };
  }

  wrote(event: CoreEvent, written: CoreEvent): void {
    // An aggregate counts under its group; which of both this was, shows in its message.
    const key = event.message.startsWith(combinedPrefix) ? groupKey(event) : fullKey(event);
    this.#written.set(key, {
      name: written.metadata.name ?? event.metadata.name!,
      count: written.count ?? event.count,
      firstTimestamp: written.firstTimestamp ?? event.firstTimestamp,
    });
  }

  #aggregate(event: CoreEvent): { readonly event: CoreEvent; readonly key: string } {
    const group = groupKey(event);
    const nowMs = this.#clock.monotonicMs();
    let similar = this.#similar.get(group);
    if (!similar || nowMs - similar.lastMs > similarIntervalMs) {
      similar = { messages: new Set(), lastMs: nowMs };
      this.#similar.set(group, similar);
    }
    similar.lastMs = nowMs;
    similar.messages.add(event.message);
    if (similar.messages.size < maxSimilar) return { event, key: fullKey(event) };
    similar.messages.delete(similar.messages.values().next().value!);
    return { event: { ...event, message: combinedPrefix + event.message }, key: group };
  }
}

const combinedPrefix = '(combined from similar events): ';

const sourceKey = (e: CoreEvent) => [e.source.component, e.source.host ?? ''].join('/');
const objectKey = ({ involvedObject: o }: CoreEvent) =>
  [o.kind, o.namespace, o.name, o.fieldPath, o.uid, o.apiVersion].join('/');
const groupKey = (e: CoreEvent) => [sourceKey(e), objectKey(e), e.type, e.reason].join('|');
const fullKey = (e: CoreEvent) => [groupKey(e), e.message].join('|');

/** A map that forgets what was set longest ago. */
class Bounded<V> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value!);
  }

  getOrAdd(key: string, make: () => V): V {
    const value = this.get(key) ?? make();
    this.set(key, value);
    return value;
  }
}
