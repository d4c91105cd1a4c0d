import type { Clock } from '../../base/clock.ts';
import { MvccStore } from '../mvcc/mvcc-store.ts';
import { StoreError, type Store } from '../store.ts';
import { MemoryMedium } from './memory-medium.ts';

export interface MemoryStoreOptions {
  /** Decides when keys expire. */
  readonly clock: Clock;
}

export interface MemoryStore extends Store {
  /**
   * A store of its own that starts with all this one has published: the same revision, history and expiries. Its cost
   * does not depend on what is stored (but for one walk if keys expire). Absent options: those of this store.
   */
  fork(options?: Partial<MemoryStoreOptions>): MemoryStore;
}

/** A store that lives as long as its process. Durable means nothing here: what is published is there. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  return new ForkableStore(options, new MemoryMedium());
}

class ForkableStore extends MvccStore implements MemoryStore {
  readonly #options: MemoryStoreOptions;
  readonly #medium: MemoryMedium;
  #closed = false;

  constructor(options: MemoryStoreOptions, medium: MemoryMedium) {
    super(options.clock, medium);
    this.#options = options;
    this.#medium = medium;
  }

  fork(options: Partial<MemoryStoreOptions> = {}): MemoryStore {
    if (this.#closed) throw new StoreError('closed', 'fork: the store was closed');
    return new ForkableStore({ ...this.#options, ...options }, this.#medium.fork());
  }

  override close(): Promise<void> {
    this.#closed = true;
    return super.close();
  }
}
