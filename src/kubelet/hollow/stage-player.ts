/**
 * Plays Stages on the objects of one kind: finds the stage that an object is due for, waits its delay, takes the step.
 *
 * An object that no stage matches costs nothing: no timer, no request. A step is taken once for a version of an object;
 * the change that it makes comes back by the watch and starts the next.
 */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { ResourceClient } from '../../client/client.ts';
import { Controller, type Outcome, done, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { CompiledStage, StageContext } from './stage/stage.ts';

export interface StagePlayerOptions {
  readonly kind: 'Node' | 'Pod';
  readonly client: ResourceClient;
  readonly informer: Informer<KubeObject>;
  readonly clock: Clock;
  readonly random: Random;
  readonly stages: readonly CompiledStage[];
  /** Whether the object is on (or is) a node that is ours and alive. */
  readonly isOurs: (object: DeepReadonly<KubeObject>) => boolean;
  readonly context: (now: string) => StageContext;
  readonly recorder?: EventRecorder;
  readonly onError?: (error: unknown) => void;
}

interface Plan {
  readonly uid: string;
  readonly stage: string;
  readonly dueMs: number;
}

/** Steps in work at once. */
const workers = 16;

export class StagePlayer {
  readonly #options: StagePlayerOptions;
  readonly #queue: WorkQueue;
  readonly #controller: Controller;
  readonly #plans = new Map<string, Plan>();
  /** The version of an object that a step was taken on, until the watch brings a newer one. */
  readonly #played = new Map<string, string>();
  #removeHandlers: () => void = () => {};

  constructor(options: StagePlayerOptions) {
    this.#options = options;
    const name = `hollow ${options.kind}`;
    this.#queue = new WorkQueue({ clock: options.clock, name, rateLimiter: new ExponentialRateLimiter(100, 10_000) });
    this.#controller = new Controller({
      name,
      clock: options.clock,
      queue: this.#queue,
      workers,
      informers: [options.informer],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      onError: (error) => options.onError?.(error),
    });
  }

  start(): void {
    const add = (object: DeepReadonly<KubeObject>) => {
      if (this.#options.isOurs(object)) this.#queue.add(keyOf(object));
    };
    this.#removeHandlers = this.#options.informer.addHandlers({
      onAdd: add,
      onUpdate: (_old, object) => add(object),
      onDelete: (object) => {
        this.#plans.delete(keyOf(object));
        this.#played.delete(keyOf(object));
      },
    });
    this.#controller.start();
  }

  async stop(): Promise<void> {
    this.#removeHandlers();
    await this.#controller.stop();
  }

  /** Looks at an object again although it did not change. */
  look(key: string): void {
    this.#queue.add(key);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const { clock, random } = this.#options;
    const object = this.#options.informer.get(key) as KubeObject | undefined;
    if (object === undefined || !this.#options.isOurs(object) || this.#played.get(key) === versionOf(object))
      return done;
    const planned = this.#plans.get(key);
    const matching = this.#options.stages.filter((stage) => stage.kind === this.#options.kind && stage.matches(object));
    let stage = matching.find((s) => s.name === planned?.stage && planned.uid === object.metadata.uid);
    let dueMs = planned?.dueMs ?? 0;
    if (stage === undefined) {
      this.#plans.delete(key);
      stage = draw(matching, () => random.next());
      if (stage === undefined) return done;
      const delayMs = stage.delayMs(object, clock.now(), () => random.next());
      dueMs = clock.monotonicMs() + delayMs;
      if (delayMs > 0) this.#plans.set(key, { uid: object.metadata.uid ?? '', stage: stage.name, dueMs });
    }
    const waitMs = dueMs - clock.monotonicMs();
    if (waitMs > 0) return requeueAfter(waitMs);
    this.#plans.delete(key);
    try {
      this.#played.set(key, versionOf(object));
      await this.#step(stage, object, signal);
      return done;
    } catch (error) {
      // A newer version is on its way, and will be looked at.
      if (isNotFound(error) || isConflict(error)) return done;
      this.#played.delete(key);
      return retry(error);
    }
  }

  async #step(stage: CompiledStage, object: KubeObject, signal: AbortSignal): Promise<void> {
    const { clock, recorder, kind } = this.#options;
    const { name = '', uid = '', namespace, resourceVersion } = object.metadata;
    const client = this.#options.client.namespace(namespace);
    if (stage.event !== undefined) {
      const { type, reason, message } = stage.event;
      recorder?.event({ ...object, apiVersion: 'v1', kind }, type, reason, message);
    }
    const finalizers = stage.finalizers?.(object);
    if (finalizers !== undefined)
      await client.patch(name, 'merge', { metadata: { uid, resourceVersion, finalizers } }, { signal });
    if (stage.delete) {
      await client.delete(name, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
      return;
    }
    if (stage.status === undefined) return;
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const status = stage.status(object, this.#options.context(now));
    await client.patch(name, 'strategic', { metadata: { uid }, status }, { subresource: 'status', signal });
  }
}

function keyOf(object: DeepReadonly<KubeObject>): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : (name ?? '');
}

function versionOf(object: KubeObject): string {
  return `${object.metadata.uid}@${object.metadata.resourceVersion}`;
}

/** By weight; without any weight the first. */
function draw(stages: readonly CompiledStage[], random: () => number): CompiledStage | undefined {
  const total = stages.reduce((sum, stage) => sum + stage.weight, 0);
  if (total === 0) return stages[0];
  let left = random() * total;
  return stages.find((stage) => (left -= stage.weight) < 0) ?? stages.at(-1);
}
