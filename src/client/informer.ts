/**
 * A shared, indexed, readonly copy of a resource, and who is told when it changes.
 *
 * Objects are shared by all readers and never written to; managed fields are left out of them. Handlers are called
 * synchronously, in order, after the copy and its indexes show the change; an object whose revision did not change is
 * not delivered again.
 */
import type { Clock } from '../base/clock.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Random } from '../base/random.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';
import { abortable } from './abortable.ts';
import type { ResourceClient } from './client.ts';
import { compareResourceVersions, keyOf, Reflector } from './reflector.ts';

export interface EventHandlers<T> {
  /** `isInitial`: part of the first full state (or of what was there when the handler was added). */
  onAdd?(object: DeepReadonly<T>, isInitial: boolean): void;
  onUpdate?(old: DeepReadonly<T>, object: DeepReadonly<T>): void;
  /** The last state that was seen; after a lost watch that may be older than the one deleted. */
  onDelete?(object: DeepReadonly<T>): void;
}

export type IndexFunction<T> = (object: DeepReadonly<T>) => readonly string[];

/** Reads of the copy. All constant-time or in proportion to what they return. */
export interface Lister<T> {
  /** By `namespace/name`, or `name` for cluster scope. */
  get(key: string): DeepReadonly<T> | undefined;
  list(): DeepReadonly<T>[];
  byNamespace(namespace: string): DeepReadonly<T>[];
  /** Of an index added with `addIndex` (or built in: `byNamespace`, `byOwnerUid`, `byNodeName`). */
  byIndex(index: string, value: string): DeepReadonly<T>[];
  readonly size: number;
}

/** Built-in indexes, made when first named by `addIndex` or `byIndex`. */
const builtInIndexes: Readonly<Record<string, IndexFunction<KubeObject>>> = {
  byNamespace: (object) => [object.metadata.namespace ?? ''],
  byOwnerUid: (object) => object.metadata.ownerReferences?.map((owner) => owner.uid) ?? [],
  byControllerUid: (object) => {
    const controller = object.metadata.ownerReferences?.find((owner) => owner.controller);
    return controller ? [controller.uid] : [];
  },
  byNodeName: (object) => {
    const nodeName = (object as { spec?: { nodeName?: string } }).spec?.nodeName;
    return nodeName ? [nodeName] : [];
  },
};

export interface InformerOptions<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Makes what is kept of an object: a trimmed copy, or the object itself. Default: drops managedFields. */
  readonly transform?: (object: DeepReadonly<T>) => DeepReadonly<T>;
  /** Failures that are waited out, and errors thrown by handlers. */
  readonly onError?: (error: unknown) => void;
  /** For tests: freezes every object, so that a write to a shared one throws. */
  readonly freeze?: boolean;
}

export class Informer<T extends KubeObject> implements Lister<T> {
  readonly #options: InformerOptions<T>;
  readonly #reflector: Reflector<T>;
  readonly #objects = new Map<string, DeepReadonly<T>>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<EventHandlers<T>>();
  readonly #syncWaiters = new Set<() => void>();
  #lifetime: Lifetime | undefined;
  #hasSynced = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#reflector = new Reflector<T>({
      client: options.client,
      clock: options.clock,
      random: options.random,
      ...(options.labelSelector ? { labelSelector: options.labelSelector } : {}),
      ...(options.fieldSelector ? { fieldSelector: options.fieldSelector } : {}),
      ...(options.onError ? { onError: options.onError } : {}),
      sink: {
        onReplace: (items) => this.#replace(items),
        onEvent: (type, object) => {
          if (type === 'DELETED') this.#delete(object);
          else if (this.#isNews(object)) this.#set(object, false);
        },
      },
    });
  }

  /** Begins to follow the server. A second call does nothing. */
  start(): void {
    if (this.#lifetime) return;
    this.#lifetime = new Lifetime((error) => this.#options.onError?.(error));
    this.#lifetime.spawn((signal) => this.#reflector.run(signal));
  }

  /** Ends; the copy stays readable as it was. */
  async stop(): Promise<void> {
    await this.#lifetime?.stop();
  }

  /** Whether the first full state has been delivered to all handlers. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves once it has; rejects when `signal` is aborted first. */
  whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return abortable(new Promise((resolve) => this.#syncWaiters.add(resolve)), signal);
  }

  /** The revision of the server's state that the copy has reached. */
  get resourceVersion(): string {
    return this.#reflector.resourceVersion;
  }

  /** Adds handlers; they are told at once of what is already there. Returns the way to remove them. */
  addHandlers(handlers: EventHandlers<T>): () => void {
    this.#handlers.add(handlers);
    for (const object of this.#objects.values()) this.#guard(() => handlers.onAdd?.(object, true));
    return () => this.#handlers.delete(handlers);
  }

  /** Adds an index under a name of its own; the same name again keeps the first (shared informers have many users). */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index = new Index<T>(values);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
  }

  get(key: string): DeepReadonly<T> | undefined {
    return this.#objects.get(key);
  }

  list(): DeepReadonly<T>[] {
    return [...this.#objects.values()];
  }

  get size(): number {
    return this.#objects.size;
  }

  byNamespace(namespace: string): DeepReadonly<T>[] {
    return this.byIndex('byNamespace', namespace);
  }

  byIndex(name: string, value: string): DeepReadonly<T>[] {
    let index = this.#indexes.get(name);
    if (!index) {
      const builtIn = builtInIndexes[name];
      if (!builtIn) throw new Error(`informer: read of index '${name}', which was never added`);
      this.addIndex(name, builtIn as IndexFunction<T>);
      index = this.#indexes.get(name)!;
    }
    const out: DeepReadonly<T>[] = [];
    for (const key of index.keys(value)) out.push(this.#objects.get(key)!);
    return out;
  }

  #replace(items: readonly DeepReadonly<T>[]): void {
    const isInitial = !this.#hasSynced;
    const present = new Set<string>();
    for (const item of items) present.add(keyOf(item));
    for (const [key, old] of [...this.#objects]) if (!present.has(key)) this.#remove(key, old);
    for (const item of items) {
      // A full state is the truth even where its revisions are lower: the server may have been restored.
      const old = this.#objects.get(keyOf(item));
      if (old?.metadata.resourceVersion !== item.metadata.resourceVersion) this.#set(item, isInitial);
    }
    this.#hasSynced = true;
    const waiters = [...this.#syncWaiters];
    this.#syncWaiters.clear();
    for (const waiter of waiters) waiter();
  }

  #set(incoming: DeepReadonly<T>, isInitial: boolean): void {
    const key = keyOf(incoming);
    const old = this.#objects.get(key);
    // Deleted and made again while nobody watched: two objects, not one that changed.
    if (old && old.metadata.uid !== incoming.metadata.uid) {
      this.#remove(key, old);
      this.#set(incoming, isInitial);
      return;
    }
    const object = this.#keep(incoming);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.replace(key, old, object);
    for (const handlers of this.#handlers)
      this.#guard(() => (old ? handlers.onUpdate?.(old, object) : handlers.onAdd?.(object, isInitial)));
  }

  /** False for a repetition: the revision that is there already, or an older one. */
  #isNews(incoming: DeepReadonly<T>): boolean {
    const old = this.#objects.get(keyOf(incoming));
    if (!old) return true;
    return compareResourceVersions(incoming.metadata.resourceVersion ?? '', old.metadata.resourceVersion ?? '') > 0;
  }

  #delete(final: DeepReadonly<T>): void {
    const key = keyOf(final);
    const old = this.#objects.get(key);
    if (old) this.#remove(key, old, this.#keep(final));
  }

  #remove(key: string, old: DeepReadonly<T>, final = old): void {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.remove(key, old);
    for (const handlers of this.#handlers) this.#guard(() => handlers.onDelete?.(final));
  }

  #keep(object: DeepReadonly<T>): DeepReadonly<T> {
    const kept = (this.#options.transform ?? dropManagedFields)(object) as DeepReadonly<T>;
    return this.#options.freeze ? deepFreeze(kept) : kept;
  }

  /** One handler's error is not another's. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.onError?.(error);
    }
  }
}

/** The same object without its managed fields, which no controller reads; everything else stays shared. */
export function dropManagedFields<T extends DeepReadonly<KubeObject>>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** From a value to the keys of the objects that have it. */
class Index<T> {
  readonly #values: IndexFunction<T>;
  readonly #keys = new Map<string, Set<string>>();

  constructor(values: IndexFunction<T>) {
    this.#values = values;
  }

  keys(value: string): Iterable<string> {
    return this.#keys.get(value) ?? [];
  }

  add(key: string, object: DeepReadonly<T>): void {
    for (const value of this.#values(object)) {
      const keys = this.#keys.get(value);
      if (keys) keys.add(key);
      else this.#keys.set(value, new Set([key]));
    }
  }

  remove(key: string, object: DeepReadonly<T>): void {
    for (const value of this.#values(object)) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
  }

  replace(key: string, old: DeepReadonly<T> | undefined, object: DeepReadonly<T>): void {
    if (old) this.remove(key, old);
    this.add(key, object);
  }
}
