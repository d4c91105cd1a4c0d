/**
 * One priority level: so many seats, and queues for those that find none free (fair queuing for server requests, KEP-1040).
 *
 * Queues are served by virtual time. `now` of the level's clock advances by what each busy queue would get of the seats;
 * a queue's `start` is when its next request would begin there. The queue whose next request would finish first is served
 * next. A request's length is not known before: it is taken for `assumedMs`, and its queue's `start` is put right when it
 * is over. So flows that ask much wait behind their own requests, not before those of others.
 *
 *   1. seatsInUse <= limit, but that a request that is alone may be wider.
 *   2. A queue holds at most queueLengthLimit requests; one more is refused.
 *   3. Within a queue requests are served in the order of their arrival.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { deal } from './shuffle.ts';

export interface Queuing {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

export type RefusalReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** What a request that may be served holds; `leave` is called once, when it has been. */
export interface Seat {
  leave(): void;
}

export interface Waiting {
  readonly schema: string;
  readonly distinguisher: string;
  readonly what: string;
  readonly seats: number;
  readonly arrivedMs: number;
}

interface Entry extends Waiting {
  readonly settle: (outcome: Seat | RefusalReason) => void;
  readonly forget: () => void;
}

interface Queue {
  readonly entries: Entry[];
  start: number;
  executing: number;
  seatsInUse: number;
}

const assumedMs = 3;

export class PriorityLevel {
  readonly name: string;
  readonly #clock: Clock;
  #limit: number;
  #queuing: Queuing | undefined;
  #queues: Queue[] = [];
  #now = 0;
  #advancedMs: number;
  #waiting = 0;
  seatsInUse = 0;
  executing = 0;
  readonly counts = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };

  constructor(name: string, clock: Clock, limit: number, queuing: Queuing | undefined) {
    this.name = name;
    this.#clock = clock;
    this.#limit = limit;
    this.#advancedMs = clock.monotonicMs();
    this.configure(limit, queuing);
  }

  get limit(): number {
    return this.#limit;
  }

  get waiting(): number {
    return this.#waiting;
  }

  queues(): readonly {
    readonly entries: readonly Waiting[];
    readonly executing: number;
    readonly seatsInUse: number;
    readonly start: number;
  }[] {
    return this.#queues;
  }

  /** Requests that wait stay where they are; queues are only added. */
  configure(limit: number, queuing: Queuing | undefined): void {
    this.#limit = limit;
    this.#queuing = queuing;
    for (let i = this.#queues.length; i < (queuing?.queues ?? 0); i++)
      this.#queues.push({ entries: [], start: 0, executing: 0, seatsInUse: 0 });
    this.#dispatch();
  }

  /** A seat, why there is none, or a promise of either while the request waits. */
  enter(
    request: {
      readonly schema: string;
      readonly distinguisher: string;
      readonly hash: number;
      readonly seats: number;
      readonly what: string;
    },
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Seat | RefusalReason | Promise<Seat | RefusalReason> {
    const seats = Math.min(request.seats, Math.max(1, this.#limit));
    if (this.#queuing === undefined) {
      if (this.#fits(seats)) return this.#seat(undefined, seats);
      this.counts.rejected++;
      return 'concurrency-limit';
    }
    this.#advance();
    const queue = this.#choose(request.hash);
    if (queue.entries.length === 0 && this.#waiting === 0 && this.#fits(seats)) {
      this.#begin(queue, seats);
      return this.#seat(queue, seats);
    }
    if (queue.entries.length >= this.#queuing.queueLengthLimit) {
      this.counts.rejected++;
      return 'queue-full';
    }
    return this.#enqueue(queue, { ...request, seats }, waitMs, signal);
  }

  #enqueue(
    queue: Queue,
    request: Omit<Waiting, 'arrivedMs'>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Seat | RefusalReason> {
    return new Promise((settle) => {
      let timer: Timer | undefined;
      const give = (reason: 'time-out' | 'cancelled') => () => {
        const at = queue.entries.indexOf(entry);
        if (at < 0) return;
        queue.entries.splice(at, 1);
        this.#waiting--;
        entry.forget();
        if (reason === 'time-out') this.counts.timedOut++;
        else this.counts.cancelled++;
        settle(reason);
      };
      const cancelled = give('cancelled');
      const entry: Entry = {
        ...request,
        arrivedMs: this.#clock.now(),
        settle,
        forget: () => {
          timer?.cancel();
          signal?.removeEventListener('abort', cancelled);
        },
      };
      timer = this.#clock.after(waitMs, give('time-out'), 'flow control queue');
      signal?.addEventListener('abort', cancelled, { once: true });
      if (queue.entries.length === 0 && queue.executing === 0) queue.start = this.#now;
      queue.entries.push(entry);
      this.#waiting++;
      this.#dispatch();
    });
  }

  /** The shortest queue of the flow's hand, by the seats that wait and are in use there. */
  #choose(hash: number): Queue {
    const { queues, handSize } = this.#queuing!;
    let best: Queue | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const index of deal(hash, queues, handSize)) {
      const queue = this.#queues[index]!;
      const load = queue.entries.length + queue.seatsInUse;
      if (load < bestLoad) {
        best = queue;
        bestLoad = load;
      }
    }
    return best!;
  }

  #fits(seats: number): boolean {
    return this.seatsInUse + seats <= this.#limit || (this.seatsInUse === 0 && this.#limit > 0);
  }

  #dispatch(): void {
    while (this.#waiting > 0) {
      this.#advance();
      let next: Queue | undefined;
      let finish = Number.POSITIVE_INFINITY;
      for (const queue of this.#queues) {
        const head = queue.entries[0];
        if (head === undefined) continue;
        const finishes = queue.start + head.seats * assumedMs;
        if (finishes < finish) {
          next = queue;
          finish = finishes;
        }
      }
      if (next === undefined || !this.#fits(next.entries[0]!.seats)) return;
      const entry = next.entries.shift()!;
      this.#waiting--;
      entry.forget();
      this.#begin(next, entry.seats);
      entry.settle(this.#seat(next, entry.seats));
    }
  }

  #begin(queue: Queue, seats: number): void {
    if (queue.executing === 0 && queue.entries.length === 0) queue.start = Math.max(queue.start, this.#now);
    queue.start += seats * assumedMs;
    queue.executing++;
    queue.seatsInUse += seats;
  }

  #seat(queue: Queue | undefined, seats: number): Seat {
    this.seatsInUse += seats;
    this.executing++;
    this.counts.dispatched++;
    const startedMs = this.#clock.monotonicMs();
    return {
      leave: () => {
        this.#advance();
        this.seatsInUse -= seats;
        this.executing--;
        if (queue !== undefined) {
          queue.executing--;
          queue.seatsInUse -= seats;
          queue.start += seats * (this.#clock.monotonicMs() - startedMs - assumedMs);
        }
        if (this.#waiting > 0) this.#dispatch();
      },
    };
  }

  /** Virtual time runs at the rate at which each busy queue is served. */
  #advance(): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsed = nowMs - this.#advancedMs;
    this.#advancedMs = nowMs;
    if (elapsed <= 0 || this.seatsInUse === 0) return;
    let busy = 0;
    let asked = 0;
    for (const queue of this.#queues) {
      if (queue.entries.length === 0 && queue.executing === 0) continue;
      busy++;
      asked += queue.seatsInUse + queue.entries.length;
    }
    if (busy > 0) this.#now += (elapsed * Math.min(asked, this.#limit)) / busy;
  }
}
