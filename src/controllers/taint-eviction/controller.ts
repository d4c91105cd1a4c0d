/** Deletes pods from nodes with NoExecute taints, each after the time it tolerates them. */
import type { Node, Pod, Taint } from '../../apis/generated/types/core/v1.ts';
import type { Timer } from '../../base/clock.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import { disruptPod } from '../common/disrupt.ts';
import { isPodTerminal } from '../common/pods.ts';
import { nodes, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planStay } from './plan.ts';

type ReadonlyPod = DeepReadonly<Pod>;

const workers = 8;

export const taintEvictionController: ControllerDescriptor = {
  name: 'taint-eviction-controller',
  serviceAccount: 'node-controller',
  create: (context) => new TaintEvictionController(context),
};

interface Scheduled {
  readonly uid: string;
  readonly sinceMs: number;
  readonly afterSeconds: number;
  readonly timer: Timer;
}

class TaintEvictionController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  /** Keys of pods that may have to go, now or later. */
  readonly #queue: WorkQueue;
  readonly #scheduled = new Map<string, Scheduled>();
  readonly #due = new Set<string>();
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('taint-eviction-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'noexec_taint_pod' });
    this.#nodes = informers.informer<Node>(nodes);
    this.#pods = informers.informer<Pod>(pods);
    const enqueuePod = (pod: ReadonlyPod) => {
      if (pod.spec?.nodeName) this.#queue.add(keyOf(pod));
    };
    const enqueueNode = (node: DeepReadonly<Node>) => {
      for (const pod of this.#pods.byIndex('byNodeName', node.metadata.name ?? '')) enqueuePod(pod);
    };
    this.#nodes.addHandlers({
      onAdd: (node) => taintsOf(node).length > 0 && enqueueNode(node),
      onUpdate: (old, node) => !semanticEqual(taintsOf(old), taintsOf(node)) && enqueueNode(node),
    });
    this.#pods.addHandlers({
      onAdd: (pod) => this.#mayConcern(pod) && enqueuePod(pod),
      onUpdate: (old, pod) => {
        const changed =
          old.spec?.nodeName !== pod.spec?.nodeName || !semanticEqual(old.spec?.tolerations, pod.spec?.tolerations);
        if (changed && this.#mayConcern(pod)) enqueuePod(pod);
      },
      onDelete: (pod) => this.#cancel(keyOf(pod)),
    });
    this.#controller = new Controller({
      name: taintEvictionController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#nodes, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(taintEvictionController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  async stop(): Promise<void> {
    for (const key of [...this.#scheduled.keys()]) this.#cancel(key);
    await this.#controller.stop();
  }

  /** Whether there is anything to decide: most pods are on nodes without such taints. */
  #mayConcern(pod: ReadonlyPod): boolean {
    const node = this.#nodes.get(pod.spec?.nodeName ?? '');
    return this.#scheduled.has(keyOf(pod)) || (node !== undefined && taintsOf(node).length > 0);
  }

  async #reconcile(key: string): Promise<Outcome> {
    const pod = this.#pods.get(key);
    const node = pod && this.#nodes.get(pod.spec?.nodeName ?? '');
    if (!pod || !node || pod.metadata.deletionTimestamp || isPodTerminal(pod)) {
      this.#cancel(key);
      return done;
    }
    const stay = planStay(pod, taintsOf(node));
    if (stay.kind === 'stay') {
      if (this.#cancel(key)) this.#note(pod, `Cancelling deletion of Pod ${key}`);
      return done;
    }
    const { afterSeconds } = stay;
    const isDue = this.#due.delete(key) || afterSeconds === 0;
    if (isDue) {
      this.#cancel(key);
      return this.#evict(pod);
    }
    const { clock } = this.#context;
    const before = this.#scheduled.get(key);
    if (before?.uid === pod.metadata.uid && before?.afterSeconds === afterSeconds) return done;
    // Its time counts from when it first had to go, however its tolerations changed since.
    const sinceMs = before?.uid === pod.metadata.uid ? before!.sinceMs : clock.monotonicMs();
    before?.timer.cancel();
    const delayMs = sinceMs + afterSeconds * 1000 - clock.monotonicMs();
    const timer = clock.after(
      delayMs,
      () => {
        this.#scheduled.delete(key);
        this.#due.add(key);
        this.#queue.add(key);
      },
      `taint eviction: ${key}`,
    );
    this.#scheduled.set(key, { uid: pod.metadata.uid ?? '', sinceMs, afterSeconds, timer });
    return done;
  }

  async #evict(pod: ReadonlyPod): Promise<Outcome> {
    this.#note(pod, `Marking for deletion Pod ${keyOf(pod)}`);
    try {
      await disruptPod(this.#context, pod, {
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
      });
      return done;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return done;
      this.#due.add(keyOf(pod));
      return retry(error);
    }
  }

  #note(pod: ReadonlyPod, message: string): void {
    const subject = { ...pod, apiVersion: 'v1', kind: 'Pod' };
    this.#recorder.event(subject, 'Normal', 'TaintManagerEviction', message);
  }

  /** True when a deletion was under way. */
  #cancel(key: string): boolean {
    this.#due.delete(key);
    const scheduled = this.#scheduled.get(key);
    scheduled?.timer.cancel();
    return this.#scheduled.delete(key);
  }
}

const taintsOf = (node: DeepReadonly<Node>): readonly DeepReadonly<Taint>[] =>
  (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
