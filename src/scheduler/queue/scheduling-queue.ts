/**
 * The pods that wait for a node.
 *
 *            add                 pop                    no fit
 *   (new) --------> active --------------> in flight ----------> unschedulable
 *             |      ^  ^                      |                    |
 *      PreEnqueue    |  '--- back-off over ----|---- backoff <------'  a change that may help it,
 *             v      |                         v        ^               or 5 minutes
 *           gated ---'                    done, error --'
 *
 * Invariants: 1. a pod is in one state, and in the collection of that state alone; 2. whatever enters `active` has passed PreEnqueue just then; 3. changes during a pod's flight are judged when it
 * comes back, so none is lost; 4. timers run only while something waits for time.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { Heap } from '../../base/heap.ts';
import { newPodInfo, updatedPodInfo } from '../cache/pod-info.ts';
import { type ClusterChange, unschedulableTimeout, wildcardEvent } from '../framework/events.ts';
import type { Pod } from '../framework/objects.ts';
import type { Plugin } from '../framework/plugin.ts';
import { type BackoffOptions, backoffExpiryMs } from './backoff.ts';
import { targetPodChanges } from './pod-changes.ts';
import { type QueuedPodInfo, type QueueState, newQueuedPodInfo } from './queued-pod-info.ts';
import { QueueingHints, type RequeueStrategy } from './queueing-hints.ts';

/** Longest stay in the unschedulable pool, and how often it is looked through. */
const maxUnschedulableMs = 5 * 60_000;
const flushUnschedulableMs = 30_000;
/** Changes kept for one pod in flight; past that it is simply tried again. */
const maxMissed = 1_000;

interface HeapItem {
  readonly pod: QueuedPodInfo;
  readonly expiryMs: number;
}

interface ProfileRules {
  readonly preEnqueue: readonly Plugin[];
  readonly hints: QueueingHints;
}

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  /** Of the only profile, or by scheduler name; all of them sort alike. */
  readonly plugins: readonly Plugin[] | ReadonlyMap<string, readonly Plugin[]>;
  readonly backoff: BackoffOptions;
  /** Called whenever `pop` may have something to give. */
  readonly onReady: () => void;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #backoffOptions: BackoffOptions;
  readonly #profiles: ReadonlyMap<string, ProfileRules>;
  readonly #onReady: () => void;
  readonly #entries = new Map<string, QueuedPodInfo>();
  readonly #active: Heap<string, HeapItem>;
  readonly #backoff: Heap<string, HeapItem>;
  readonly #errorBackoff: Heap<string, HeapItem>;
  /** In order of entry, so of timestamp. */
  readonly #unschedulable = new Map<string, QueuedPodInfo>();
  /** Unschedulable pods by who turned them down ('' when nobody in particular): a change visits only whom it concerns. */
  readonly #byPlugin = new Map<string, Set<QueuedPodInfo>>();
  readonly #inFlight = new Set<QueuedPodInfo>();
  readonly #counts: Record<QueueState, number> = {
    active: 0,
    backoff: 0,
    errorBackoff: 0,
    unschedulable: 0,
    gated: 0,
    inFlight: 0,
  };
  #backoffTimer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #flushTimer: Timer | undefined;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#clock = options.clock;
    this.#backoffOptions = options.backoff;
    const { plugins } = options;
    const profiles: ReadonlyMap<string, readonly Plugin[]> =
      plugins instanceof Map ? plugins : new Map([['', plugins as readonly Plugin[]]]);
    this.#profiles = new Map(
      [...profiles].map(([name, of]) => [
        name,
        { preEnqueue: of.filter((p) => p.preEnqueue), hints: new QueueingHints(of) },
      ]),
    );
    this.#onReady = options.onReady;
    const sort = [...profiles.values()][0]?.find((p) => p.less);
    if (sort === undefined) throw new Error('making the scheduling queue: no plugin implements QueueSort');
    const uidOf = (item: HeapItem) => item.pod.podInfo.uid;
    const less = (a: HeapItem, b: HeapItem) => sort.less!(a.pod, b.pod);
    this.#active = new Heap(uidOf, less);
    const byExpiry = (a: HeapItem, b: HeapItem) => a.expiryMs < b.expiryMs || (a.expiryMs === b.expiryMs && less(a, b));
    this.#backoff = new Heap(uidOf, byExpiry);
    this.#errorBackoff = new Heap(uidOf, byExpiry);
  }

  /** How many pods wait, by queue. */
  get counts(): Readonly<Record<QueueState, number>> {
    return this.#counts;
  }

  stateOf(uid: string): QueueState | undefined {
    return this.#entries.get(uid)?.state;
  }

  /** A waiting pod's history, to look at. */
  entryOf(uid: string): Readonly<QueuedPodInfo> | undefined {
    return this.#entries.get(uid);
  }

  /** When the pod's back-off ends, in ms since 1970; undefined when it is in none. */
  retryAtMs(uid: string): number | undefined {
    return (this.#backoff.get(uid) ?? this.#errorBackoff.get(uid))?.expiryMs;
  }

  /** A pod without a node has turned up. One that is known already is updated. */
  add(pod: Pod): void {
    const uid = pod.metadata.uid!;
    if (this.#entries.has(uid)) {
      this.update(pod);
      return;
    }
    const entry = newQueuedPodInfo(newPodInfo(pod), this.#clock.now());
    this.#entries.set(uid, entry);
    this.#counts[entry.state]++;
    this.#activate(entry);
  }

  /** A waiting pod has a new version. Back in the running only when the change may matter to who rejected it. */
  update(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid!);
    if (entry === undefined) {
      this.add(pod);
      return;
    }
    const before = entry.podInfo.pod;
    entry.podInfo = updatedPodInfo(entry.podInfo, pod);
    const changes = targetPodChanges(before, pod);
    switch (entry.state) {
      case 'gated':
        if (changes.length > 0) this.#activate(entry);
        return;
      case 'unschedulable':
        for (const change of changes) {
          const strategy = this.#rulesOf(entry).hints.judge(entry, change);
          if (strategy === 'skip') continue;
          this.#requeue(entry, strategy);
          return;
        }
        return;
      case 'inFlight':
        for (const change of changes) this.#miss(entry, change);
        return;
      default:
    }
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#leave(entry);
    this.#counts[entry.state]--;
  }

  /** The pod to try now, or undefined. When nothing is active, a pod is taken out of its back-off early. */
  pop(): QueuedPodInfo | undefined {
    const entry = (this.#active.pop() ?? this.#backoff.pop())?.pod;
    if (entry === undefined) return undefined;
    this.#move(entry, 'inFlight');
    this.#inFlight.add(entry);
    entry.attempts++;
    entry.initialAttemptMs ??= this.#clock.now();
    entry.missed = [];
    return entry;
  }

  /**
   * A pod from `pop` was not placed. `error`: not turned down by a plugin, so it is tried again after a back-off.
   * A change that came meanwhile and may help it does the same. A pod that is `done` comes back; one that was deleted
   * must not be given.
   */
  addUnschedulable(entry: QueuedPodInfo, error: boolean): void {
    const known = this.#entries.get(entry.podInfo.uid);
    if (known !== undefined && (known !== entry || entry.state !== 'inFlight')) return;
    if (known === undefined) {
      this.#entries.set(entry.podInfo.uid, entry);
      entry.state = 'inFlight';
      this.#counts.inFlight++;
    }
    entry.timestampMs = this.#clock.now();
    if (error) {
      entry.consecutiveErrors++;
      entry.unschedulablePlugins = new Set();
      entry.pendingPlugins = new Set();
    } else {
      entry.consecutiveErrors = 0;
      entry.unschedulableCount++;
    }
    let strategy: RequeueStrategy = error ? 'afterBackoff' : 'skip';
    for (const change of entry.missed) {
      if (strategy === 'immediately') break;
      const judged = this.#rulesOf(entry).hints.judge(entry, change);
      if (judged !== 'skip') strategy = judged;
    }
    entry.missed = [];
    if (strategy === 'skip') this.#park(entry);
    else this.#requeue(entry, strategy);
  }

  /** Tries a parked pod again, after its back-off, whoever turned it down. */
  activate(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry?.state === 'unschedulable') this.#requeue(entry, 'afterBackoff');
    else if (entry?.state === 'inFlight') this.#miss(entry, { event: wildcardEvent });
  }

  /** The pod needs no more tries (it is being bound, or gone). Does nothing unless it is in flight. */
  done(uid: string): void {
    if (this.#entries.get(uid)?.state === 'inFlight') this.delete(uid);
  }

  /** Something changed in the cluster: pods that it may help are tried again. */
  moveAll(change: ClusterChange): void {
    for (const entry of this.#inFlight) this.#miss(entry, change);
    if (change.event === wildcardEvent) {
      for (const entry of [...this.#unschedulable.values()]) this.#requeue(entry, 'afterBackoff');
      return;
    }
    const interested = new Set(['']);
    for (const { hints } of this.#profiles.values()) for (const name of hints.interested(change)) interested.add(name);
    for (const plugin of interested) {
      const concerned = this.#byPlugin.get(plugin);
      if (concerned === undefined) continue;
      for (const entry of [...concerned]) {
        if (entry.state !== 'unschedulable') continue;
        const strategy = this.#rulesOf(entry).hints.judge(entry, change);
        if (strategy !== 'skip') this.#requeue(entry, strategy);
      }
    }
  }

  /** Stops the timers; the queue is of no use afterwards. */
  close(): void {
    this.#closed = true;
    this.#backoffTimer?.timer.cancel();
    this.#flushTimer?.cancel();
  }

  #miss(entry: QueuedPodInfo, change: ClusterChange): void {
    if (entry.missed.length < maxMissed) entry.missed.push(change);
    else entry.missed = [{ event: wildcardEvent }];
  }

  #requeue(entry: QueuedPodInfo, strategy: 'afterBackoff' | 'immediately'): void {
    const expiryMs = backoffExpiryMs(entry, this.#backoffOptions);
    if (strategy === 'immediately' || expiryMs <= this.#clock.now()) {
      this.#activate(entry);
      return;
    }
    if (!this.#passesGates(entry)) return;
    const state = entry.consecutiveErrors > 0 ? 'errorBackoff' : 'backoff';
    this.#move(entry, state);
    (state === 'backoff' ? this.#backoff : this.#errorBackoff).set({ pod: entry, expiryMs });
    this.#armBackoff(expiryMs);
    if (state === 'backoff') this.#onReady();
  }

  #activate(entry: QueuedPodInfo): void {
    if (!this.#passesGates(entry)) return;
    this.#move(entry, 'active');
    this.#active.set({ pod: entry, expiryMs: 0 });
    this.#onReady();
  }

  #rulesOf(entry: QueuedPodInfo): ProfileRules {
    const name = entry.podInfo.pod.spec.schedulerName ?? 'default-scheduler';
    return this.#profiles.get(name) ?? this.#profiles.values().next().value!;
  }

  /** Runs PreEnqueue; a pod that is held goes to the gated ones. */
  #passesGates(entry: QueuedPodInfo): boolean {
    for (const plugin of this.#rulesOf(entry).preEnqueue) {
      const status = plugin.preEnqueue!(entry.podInfo);
      if (status === undefined) continue;
      // First the move: it takes the entry out from under those who rejected it before.
      this.#move(entry, 'gated');
      entry.gatingPlugin = plugin.name;
      entry.unschedulablePlugins = new Set([plugin.name]);
      return false;
    }
    entry.gatingPlugin = '';
    return true;
  }

  #park(entry: QueuedPodInfo): void {
    this.#move(entry, 'unschedulable');
    this.#unschedulable.set(entry.podInfo.uid, entry);
    for (const plugin of rejectorsOf(entry)) {
      let members = this.#byPlugin.get(plugin);
      if (members === undefined) this.#byPlugin.set(plugin, (members = new Set()));
      members.add(entry);
    }
    this.#armFlush();
  }

  #move(entry: QueuedPodInfo, to: QueueState): void {
    this.#leave(entry);
    this.#counts[entry.state]--;
    this.#counts[to]++;
    entry.state = to;
  }

  /** Takes the entry out of the collections that its state puts it in. */
  #leave(entry: QueuedPodInfo): void {
    const { uid } = entry.podInfo;
    if (entry.state === 'inFlight') this.#inFlight.delete(entry);
    else if (entry.state === 'active') this.#active.delete(uid);
    else if (entry.state === 'backoff') this.#backoff.delete(uid);
    else if (entry.state === 'errorBackoff') this.#errorBackoff.delete(uid);
    if (entry.state !== 'unschedulable' || !this.#unschedulable.delete(uid)) return;
    for (const plugin of rejectorsOf(entry)) {
      const members = this.#byPlugin.get(plugin);
      members?.delete(entry);
      if (members?.size === 0) this.#byPlugin.delete(plugin);
    }
  }

  #armBackoff(dueMs: number): void {
    if (this.#closed || (this.#backoffTimer !== undefined && this.#backoffTimer.dueMs <= dueMs)) return;
    this.#backoffTimer?.timer.cancel();
    const timer = this.#clock.after(
      Math.max(0, dueMs - this.#clock.now()),
      () => this.#flushBackoff(),
      'scheduler back-off',
    );
    this.#backoffTimer = { timer, dueMs };
  }

  #flushBackoff(): void {
    this.#backoffTimer = undefined;
    const nowMs = this.#clock.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let item = heap.peek(); item !== undefined; item = heap.peek()) {
        if (item.expiryMs > nowMs) {
          nextMs = Math.min(nextMs, item.expiryMs);
          break;
        }
        this.#activate(item.pod);
      }
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#armBackoff(nextMs);
  }

  #armFlush(): void {
    if (this.#closed || this.#flushTimer !== undefined) return;
    this.#flushTimer = this.#clock.after(
      flushUnschedulableMs,
      () => this.#flushUnschedulable(),
      'scheduler unschedulable flush',
    );
  }

  #flushUnschedulable(): void {
    this.#flushTimer = undefined;
    const beforeMs = this.#clock.now() - maxUnschedulableMs;
    for (const entry of [...this.#unschedulable.values()]) {
      if (entry.timestampMs >= beforeMs) break;
      if (this.#rulesOf(entry).hints.judge(entry, { event: unschedulableTimeout }) !== 'skip')
        this.#requeue(entry, 'afterBackoff');
    }
    if (this.#unschedulable.size > 0) this.#armFlush();
  }
}

function rejectorsOf(entry: QueuedPodInfo): readonly string[] {
  const names = [...entry.unschedulablePlugins, ...entry.pendingPlugins];
  return names.length === 0 ? [''] : names;
}
