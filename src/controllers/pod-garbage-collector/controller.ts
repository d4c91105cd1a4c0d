/** Cleans up pods that nobody else does: of vanished nodes, never scheduled, finished in great number. */
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import { sleep } from '../../base/clock.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { disruptPod } from '../common/disrupt.ts';
import { nodes, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planPodGc } from './plan.ts';

const periodMs = 20_000;
/** A node must be gone for this long before its pods go. */
const quarantineMs = 40_000;
const defaultTerminatedThreshold = 12_500;

export const podGarbageCollector: ControllerDescriptor = {
  name: 'pod-garbage-collector-controller',
  alias: 'podgc',
  serviceAccount: 'pod-garbage-collector',
  create: (context) => new PodGarbageCollector(context),
};

class PodGarbageCollector implements RunningController {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #lifetime: Lifetime;
  /** Nodes found missing, and when. */
  readonly #missing = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pods = context.informers.informer<Pod>(pods);
    this.#nodes = context.informers.informer<Node>(nodes);
    this.#lifetime = new Lifetime((error) => context.onError(podGarbageCollector.name, error));
  }

  start(): void {
    this.#lifetime.spawn(async (signal) => {
      await Promise.all([this.#pods.whenSynced(signal), this.#nodes.whenSynced(signal)]);
      for (;;) {
        await this.#collect();
        await sleep(this.#context.clock, periodMs, signal, 'pod garbage collector: period');
      }
    });
  }

  stop(): Promise<void> {
    return this.#lifetime.stop();
  }

  async #collect(): Promise<void> {
    const plan = planPodGc({
      pods: this.#pods.list(),
      nodes: new Map(this.#nodes.list().map((node) => [node.metadata.name ?? '', node])),
      terminatedThreshold: this.#context.settings.terminatedPodThreshold ?? defaultTerminatedThreshold,
    });
    for (const pod of plan.terminated) await this.#delete(pod);
    for (const pod of plan.unscheduled) await this.#delete(pod);
    for (const pod of plan.outOfService)
      await this.#disrupt(pod, 'PodGC: node declared out of service by its taint, and pod terminating there');

    const nowMs = this.#context.clock.monotonicMs();
    for (const name of [...this.#missing.keys()]) if (!plan.orphaned.has(name)) this.#missing.delete(name);
    for (const [name, orphans] of plan.orphaned) {
      const sinceMs = this.#missing.get(name) ?? nowMs;
      this.#missing.set(name, sinceMs);
      if (nowMs - sinceMs < quarantineMs || !(await this.#isGone(name))) continue;
      for (const pod of orphans) await this.#disrupt(pod, 'PodGC: node no longer exists');
    }
  }

  /** Asked live: to delete pods of a node that is there would be worse than to wait. */
  async #isGone(name: string): Promise<boolean> {
    try {
      await this.#context.client.resource<Node>(nodes).get(name);
      return false;
    } catch (error) {
      return isNotFound(error);
    }
  }

  async #delete(pod: DeepReadonly<Pod>): Promise<void> {
    const { name = '', namespace, uid = '' } = pod.metadata;
    const client = this.#context.client.resource<Pod>(pods).namespace(namespace);
    await client
      .delete(name, { gracePeriodSeconds: 0, preconditions: { uid } })
      .catch((error) => this.#note(error, pod));
  }

  async #disrupt(pod: DeepReadonly<Pod>, message: string): Promise<void> {
    const options = { reason: 'DeletionByPodGC', message, force: true };
    await disruptPod(this.#context, pod, options).catch((error) => this.#note(error, pod));
  }

  /** The next round tries again. */
  #note(error: unknown, pod: DeepReadonly<Pod>): void {
    if (!isNotFound(error)) this.#context.onError(podGarbageCollector.name, error, keyOf(pod));
  }
}
