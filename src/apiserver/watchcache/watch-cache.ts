/**
 * The objects of one storage as of the newest revision, its recent events, and its watchers.
 *
 * Invariants: 1. `#objects` is the state as of the last applied event, and every event is applied, recorded in the
 * window and pushed to the watchers in one synchronous step, so that a watcher that takes a snapshot and registers in
 * one step misses nothing and sees nothing twice; 2. the cost of an event grows with the watchers that may care (found
 * by index), not with all of them; 3. a watcher that is closed is in no index.
 */
import { OrderedMap } from '../../base/ordered-map.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import { prefixRange, type Revision, type StoreEvent } from '../../store/store.ts';
import { CachedObject, type ObjectReader } from './cached-object.ts';
import { Deliveries } from './deliveries.ts';
import { EventWindow } from './event-window.ts';
import type { Form } from './form.ts';
import { type Selection, Watcher } from './watcher.ts';

/** One change of one object, with the frames made of it so far. */
interface CacheEvent {
  readonly revision: Revision;
  readonly atMs: number;
  /** Of `previous`: what is current is in memory anyway, and each superseded state belongs to one event. */
  readonly bytes: number;
  /** Undefined: deleted. */
  readonly object: CachedObject | undefined;
  readonly previous: CachedObject | undefined;
  /** `previous` as of this revision: what a DELETED event carries. Made when first needed. */
  gone: CachedObject | undefined;
  /** By event type and form. */
  readonly frames: Map<string, WatchFrame>;
}

interface Entry {
  readonly watcher: Watcher;
  readonly selection: Selection;
  readonly form: Form;
  readonly bookmarks: boolean;
  /** Events up to here are not for this watcher. */
  readonly after: Revision;
}

/** How many events keep the frames that were made of them. */
const framedEvents = 128;

/** A consistent view: the objects of the storage as of a revision. */
export interface Snapshot {
  readonly revision: Revision;
  readonly objects: OrderedMap<string, CachedObject>;
}

export interface StorageKeys {
  readonly prefix: string;
  readonly namespaced: boolean;
}

export type ChangeListener = (object: CachedObject | undefined, previous: CachedObject | undefined) => void;

export class WatchCache {
  readonly #keys: StorageKeys;
  readonly #reader: ObjectReader;
  readonly #clock: Clock;
  #objects = OrderedMap.empty<string, CachedObject>();
  readonly #window = new EventWindow<CacheEvent>(0);
  #changedAt: Revision = 0;
  readonly #watchers = new Set<Entry>();
  /** Field label -> value -> watchers that require it. A watcher is here or in `#unindexed`, not in both. */
  readonly #byField = new Map<string, Map<string, Set<Entry>>>();
  readonly #unindexed = new Set<Entry>();
  readonly #wake: (reader: () => void) => void;
  readonly #listeners = new Set<ChangeListener>();
  /** A ring of the events whose frames are kept. */
  readonly #framed: CacheEvent[] = [];
  #nextFramed = 0;
  /** Decoded forms of bytes that are on their way through the store; taken when their event arrives. */
  readonly #hints = new WeakMap<Uint8Array, KubeObject>();

  constructor(keys: StorageKeys, reader: ObjectReader, clock: Clock) {
    this.#keys = keys;
    this.#reader = reader;
    this.#clock = clock;
    const deliveries = new Deliveries(clock);
    this.#wake = (reader) => deliveries.wake(reader);
  }

  get size(): number {
    return this.#objects.size;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Every event after it can still be replayed. */
  get completeAfter(): Revision {
    return this.#window.completeAfter;
  }

  /** Nothing has changed since this revision. */
  get changedAt(): Revision {
    return this.#changedAt;
  }

  get reader(): ObjectReader {
    return this.#reader;
  }

  key(namespace: string, name: string): string {
    return this.#keys.namespaced ? `${this.#keys.prefix}${namespace}/${name}` : this.#keys.prefix + name;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }

  /** The objects of a namespace (of all, when it is ''), in key order. */
  namespace(namespace: string): Iterable<readonly [string, CachedObject]> {
    if (namespace === '') return this.#objects;
    const { start, end } = prefixRange(`${this.#keys.prefix}${namespace}/`);
    return this.#objects.range(start, end);
  }

  /** Free: the map is persistent. */
  snapshot(revision: Revision): Snapshot {
    return { revision, objects: this.#objects };
  }

  /** The decoded object of bytes that are about to be written, so that they need not be decoded again. */
  hint(bytes: Uint8Array, object: KubeObject): void {
    this.#hints.set(bytes, object);
  }

  /** What a kv of this storage holds. */
  read(key: string, bytes: Uint8Array, revision: Revision): CachedObject {
    const hint = this.#hints.get(bytes);
    if (hint) this.#hints.delete(bytes);
    return this.view(key, bytes, revision, hint);
  }

  /** The same for bytes whose object is known (in the stored version, read now and not kept). */
  view(key: string, bytes: Uint8Array, revision: Revision, decoded: KubeObject | undefined): CachedObject {
    const rest = key.slice(this.#keys.prefix.length);
    const slash = this.#keys.namespaced ? rest.indexOf('/') : -1;
    const at = { key, namespace: slash < 0 ? '' : rest.slice(0, slash), name: rest.slice(slash + 1) };
    return CachedObject.read(this.#reader, at, bytes, revision, decoded);
  }

  /** Takes over a whole state. Watches end: what happened in between is unknown. */
  replace(objects: OrderedMap<string, CachedObject>, revision: Revision): void {
    for (const entry of [...this.#watchers]) entry.watcher.close();
    const before = this.#objects;
    this.#objects = objects;
    this.#window.reset(revision);
    this.#changedAt = revision;
    if (this.#listeners.size === 0) return;
    for (const [key, old] of before) if (!objects.has(key)) this.#tell(undefined, old);
    for (const [key, object] of objects) {
      const old = before.get(key);
      if (old?.revision !== object.revision) this.#tell(object, old);
    }
  }

  /** Events are given in revision order, each once. */
  apply(event: StoreEvent): void {
    const key = event.type === 'put' ? event.kv.key : event.key;
    const previous = this.#objects.get(key);
    const object = event.type === 'put' ? this.read(key, event.kv.value, event.revision) : undefined;
    if (object) this.#objects = this.#objects.set(key, object);
    else if (previous) this.#objects = this.#objects.delete(key);
    else return;
    const record: CacheEvent = {
      revision: event.revision,
      atMs: this.#clock.monotonicMs(),
      bytes: previous?.bytes.length ?? 0,
      object,
      previous,
      gone: undefined,
      frames: new Map(),
    };
    this.#changedAt = event.revision;
    this.#window.push(record);
    this.#dispatch(record);
    this.#tell(object, previous);
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * A watch of what happens after `start.after` (at least `completeAfter`: the caller has checked), or of the state of
   * `start.initial` and what happens after that. Registered at once; nothing is missed before the first `next()`.
   */
  watch(
    selection: Selection,
    form: Form,
    options: {
      readonly bookmarks: boolean;
      readonly after: Revision;
      /** What the reader gets first. */
      readonly initial?: AsyncIterator<readonly WatchFrame[]>;
    },
  ): Watcher {
    const initial = options.initial ?? this.#replay(selection, form, options.after);
    const watcher = new Watcher(initial, () => this.#remove(entry), this.#wake);
    const entry: Entry = { watcher, selection, form, bookmarks: options.bookmarks, after: options.after };
    this.#add(entry);
    return watcher;
  }

  /** Tells watchers that asked for bookmarks how far they are. All events up to `revision` have been applied. */
  bookmark(revision: Revision): void {
    const frames = new Map<string, WatchFrame>();
    for (const entry of [...this.#watchers]) {
      if (!entry.bookmarks || revision < entry.after) continue;
      let frame = frames.get(entry.form.id);
      if (!frame) frames.set(entry.form.id, (frame = entry.form.bookmark(revision, false)));
      entry.watcher.push(frame);
    }
  }

  closeWatchers(): void {
    for (const entry of [...this.#watchers]) entry.watcher.close();
  }

  #tell(object: CachedObject | undefined, previous: CachedObject | undefined): void {
    for (const listener of this.#listeners) listener(object, previous);
  }

  #dispatch(event: CacheEvent): void {
    if (this.#watchers.size === 0) return;
    for (const entry of this.#unindexed) this.#deliver(event, entry);
    for (const [field, byValue] of this.#byField) {
      const now = event.object?.field(field);
      const was = event.previous?.field(field);
      const interested = now === undefined ? undefined : byValue.get(now);
      if (interested) for (const entry of interested) this.#deliver(event, entry);
      if (was !== undefined && was !== now) {
        const left = byValue.get(was);
        if (left) for (const entry of left) this.#deliver(event, entry);
      }
    }
  }

  #deliver(event: CacheEvent, entry: Entry): void {
    if (event.revision <= entry.after) return;
    const frame = this.#seen(event, entry.selection, entry.form);
    if (frame) entry.watcher.push(frame);
  }

  /** What happened after `revision`, as one batch (references to shared frames). */
  #replay(selection: Selection, form: Form, revision: Revision): AsyncIterator<readonly WatchFrame[]> | undefined {
    const frames: WatchFrame[] = [];
    for (const event of this.#window.after(revision)) {
      const frame = this.#seen(event, selection, form);
      if (frame) frames.push(frame);
    }
    return frames.length === 0 ? undefined : oneBatch(frames);
  }

  /** The frame by which a watcher of `selection` learns of the event; undefined when it is none of its business. */
  #seen(event: CacheEvent, selection: Selection, form: Form): WatchFrame | undefined {
    const isIn = event.object !== undefined && selects(selection, event.object);
    const wasIn = event.previous !== undefined && selects(selection, event.previous);
    if (isIn) return this.#frame(event, wasIn ? 'MODIFIED' : 'ADDED', form);
    return wasIn ? this.#frame(event, 'DELETED', form) : undefined;
  }

  #frame(event: CacheEvent, type: WatchEventType, form: Form): WatchFrame {
    const id = type + form.id;
    let frame = event.frames.get(id);
    if (!frame) {
      const object = type === 'DELETED' ? (event.gone ??= event.previous!.at(event.revision)) : event.object!;
      frame = form.frame(type, object, type === 'MODIFIED' ? event.previous : undefined);
      if (event.frames.size === 0) this.#keepFramesOf(event);
      event.frames.set(id, frame);
    }
    return frame;
  }

  /** Only the newest events keep their frames: an old one is made again for whoever starts that far back. */
  #keepFramesOf(event: CacheEvent): void {
    this.#framed[this.#nextFramed]?.frames.clear();
    this.#framed[this.#nextFramed] = event;
    this.#nextFramed = (this.#nextFramed + 1) % framedEvents;
  }

  #add(entry: Entry): void {
    this.#watchers.add(entry);
    const indexed = entry.selection.indexed;
    if (!indexed) {
      this.#unindexed.add(entry);
      return;
    }
    let byValue = this.#byField.get(indexed.field);
    if (!byValue) this.#byField.set(indexed.field, (byValue = new Map()));
    let entries = byValue.get(indexed.value);
    if (!entries) byValue.set(indexed.value, (entries = new Set()));
    entries.add(entry);
  }

  #remove(entry: Entry): void {
    this.#watchers.delete(entry);
    this.#unindexed.delete(entry);
    const indexed = entry.selection.indexed;
    const byValue = indexed && this.#byField.get(indexed.field);
    const entries = byValue?.get(indexed!.value);
    if (!entries) return;
    entries.delete(entry);
    if (entries.size === 0) byValue!.delete(indexed!.value);
    if (byValue!.size === 0) this.#byField.delete(indexed!.field);
  }
}

export function selects(selection: Selection, object: CachedObject): boolean {
  if (selection.namespace !== '' && selection.namespace !== object.namespace) return false;
  return selection.matches === undefined || selection.matches(object);
}

async function* oneBatch(frames: readonly WatchFrame[]): AsyncGenerator<readonly WatchFrame[]> {
  yield frames;
}
