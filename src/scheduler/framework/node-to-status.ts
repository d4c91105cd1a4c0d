import { Status } from './status.ts';

/** Why each node was turned down; nodes that were not looked at share one status. */
export class NodeToStatus {
  readonly #explicit = new Map<string, Status>();
  absent: Status = new Status('UnschedulableAndUnresolvable');

  set(nodeName: string, status: Status): void {
    this.#explicit.set(nodeName, status);
  }

  get(nodeName: string): Status {
    return this.#explicit.get(nodeName) ?? this.absent;
  }

  get size(): number {
    return this.#explicit.size;
  }

  explicit(): IterableIterator<[string, Status]> {
    return this.#explicit.entries();
  }
}
