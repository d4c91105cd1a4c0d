/** The load generator's process (load/main.go), and what it can be told to do. One load at a time. */
import { createInterface } from 'node:readline';
import type { Child } from './children.ts';

/** Processes whose time is counted, by component. */
export type Pids = Readonly<Record<string, readonly number[]>>;

export interface Measured {
  readonly seconds: number;
  /** By component. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly generatorCpu: number;
  /** Of all programs, ours among them. */
  readonly machineCpu: number;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A request with marks in it: see load/template.go. */
export interface Template {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly protobuf?: boolean;
  readonly from?: number;
  readonly wrap?: number;
  readonly expect?: readonly number[];
}

export interface Requests extends Template {
  readonly connections: number;
  readonly inFlight: number;
  readonly seconds?: number;
  readonly count?: number;
}

export interface RequestsDone extends Measured {
  readonly ops: number;
  readonly bytes: number;
  readonly latencyMs: Spread;
  readonly failed: number;
  readonly firstError?: string;
}

export interface Lists {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly count: number;
  readonly marker?: string;
}

export interface ListsDone extends Measured {
  readonly ops: number;
  readonly bytes: number;
  readonly pages: number;
  readonly items: number;
  readonly latencyMs: Spread;
}

export interface Watch {
  readonly watchPath: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly watchers: number;
  readonly connections: number;
  readonly events: number;
  readonly ahead: number;
  readonly perSecond: number;
  readonly writers: number;
  readonly write: Template;
}

export interface WatchDone extends Measured {
  readonly delivered: number;
  readonly bytes: number;
  readonly delayMs: Spread;
  readonly error?: string;
}

export interface Bound {
  readonly namespace: string;
  readonly pods: number;
  readonly timeoutSeconds: number;
  readonly make: Requests;
}

export interface BoundDone extends Measured {
  readonly bound: number;
  readonly madeSeconds: number;
  readonly tenthsSeconds: readonly number[];
}

export interface Hollow {
  readonly nodes: number;
  readonly renewSeconds: number;
  readonly node: Template;
  readonly lease: Template;
  readonly renew: Template;
}

type Waiting = { resolve(result: never): void; reject(error: Error): void };

export class Generator {
  readonly #child: Child;
  readonly #pids: () => Pids;
  #waiting: Waiting | undefined;

  constructor(child: Child, pids: () => Pids) {
    this.#child = child;
    this.#pids = pids;
    createInterface({ input: child.process.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as { error?: string; result: never };
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (answer.error === undefined) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(answer.error));
    });
    void child.ended.then(() => this.#waiting?.reject(new Error('the load generator ended')));
  }

  /** Throws when a request failed: a figure with failures in it says nothing. */
  async requests(load: Requests): Promise<RequestsDone> {
    const done = await this.#tell<RequestsDone>('requests', { ...load, pids: this.#pids() });
    if (done.failed > 0) throw new Error(`${done.failed} requests failed: ${done.firstError}`);
    return done;
  }

  lists(load: Lists): Promise<ListsDone> {
    return this.#tell('lists', { ...load, pids: this.#pids() });
  }

  async watch(load: Watch): Promise<WatchDone> {
    const done = await this.#tell<WatchDone>('watch', { ...load, pids: this.#pids() });
    if (done.error) throw new Error(done.error);
    return done;
  }

  /** Not all may be bound when the time is up: `bound` says how many. */
  bound(load: Bound): Promise<BoundDone> {
    return this.#tell('bound', { ...load, pids: this.#pids() });
  }

  async hollow(nodes: Hollow): Promise<void> {
    await this.#tell('hollow', nodes);
  }

  #tell<T>(what: string, load: object): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#child.hasEnded) return reject(new Error('the load generator is not running'));
      this.#waiting = { resolve: resolve as Waiting['resolve'], reject };
      this.#child.process.stdin!.write(`${JSON.stringify({ do: what, ...load })}\n`);
    });
  }
}
