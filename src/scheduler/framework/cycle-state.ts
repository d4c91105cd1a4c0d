/** A slot in the CycleState: its name for people, its type for the compiler. Identity is the object. */
export interface StateKey<T> {
  readonly name: string;
  readonly type?: T;
}

/**
 * What plugins leave for their own later calls within one pod's cycle. Values are shared between clones: a plugin that
 * changes what it wrote (after adding or removing a pod in a dry run) writes a new value.
 */
export class CycleState {
  readonly #data: Map<StateKey<unknown>, unknown>;
  /** Plugins whose PreFilter or PreScore answered Skip. */
  readonly skipFilter: Set<string>;
  readonly skipScore: Set<string>;

  constructor(from?: CycleState) {
    this.#data = new Map(from?.entries());
    this.skipFilter = new Set(from?.skipFilter);
    this.skipScore = new Set(from?.skipScore);
  }

  read<T>(key: StateKey<T>): T | undefined {
    return this.#data.get(key) as T | undefined;
  }

  /** Reads what PreFilter or PreScore of the same plugin must have written. */
  mustRead<T>(key: StateKey<T>): T {
    const value = this.#data.get(key);
    if (value === undefined) throw new Error(`reading ${key.name} from the cycle state: it was not written before`);
    return value as T;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#data.set(key, value);
  }

  clone(): CycleState {
    return new CycleState(this);
  }

  private entries(): Iterable<[StateKey<unknown>, unknown]> {
    return this.#data.entries();
  }
}
