/** Keeps one pod of a template on every node that it fits. */
import type { ControllerRevision, DaemonSet } from '../../apis/generated/types/apps/v1.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import { Expectations } from '../../client/expectations.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { claimAll } from '../common/claim.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  newControllerRef,
  orphanKey,
  refersTo,
} from '../common/controller-ref.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '../common/resources.ts';
import { hashOf, planRevisions, revisionHashLabel } from '../common/revision-history.ts';
import { applyPodBatch } from '../common/pod-batch.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type DaemonState, planPlacement, planRollout, planStatus } from './plan.ts';
import { daemonPod, fitOf, nodeNameOf } from './pod.ts';

type ReadonlyDaemonSet = DeepReadonly<DaemonSet>;
type ReadonlyPod = DeepReadonly<Pod>;

const workers = 2;
/** The most pods made or deleted in one go. */
const burstReplicas = 250;
/** Pods that end on a node are replaced later and later. */
const failedPodBackoff = { baseMs: 1_000, maxMs: 15 * 60_000 };

export const daemonSetController: ControllerDescriptor = {
  name: 'daemonset-controller',
  alias: 'daemonset',
  serviceAccount: 'daemon-set-controller',
  create: (context) => new DaemonSetController(context),
};

class DaemonSetController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #daemonSets: Informer<DaemonSet>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #controller: Controller;
  readonly #failedPods = new ExponentialRateLimiter(failedPodBackoff.baseMs, failedPodBackoff.maxMs);
  /** Until when a node's ended pod stays, by `namespace/name/node`. */
  readonly #patience = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('daemonset-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'daemonset' });
    this.#expectations = new Expectations(clock);
    this.#daemonSets = informers.informer<DaemonSet>(daemonSets);
    this.#revisions = informers.informer<ControllerRevision>(controllerRevisions);
    this.#pods = informers.informer<Pod>(pods);
    this.#nodes = informers.informer<Node>(nodes);
    this.#revisions.addIndex(byController, controllerIndex);
    this.#pods.addIndex(byController, controllerIndex);
    const enqueue = (ds: ReadonlyDaemonSet) => this.#queue.add(keyOf(ds));
    this.#daemonSets.addHandlers({
      onAdd: enqueue,
      onUpdate: (_, ds) => enqueue(ds),
      onDelete: (ds) => this.#expectations.forget(keyOf(ds)),
    });
    this.#pods.addHandlers({
      onAdd: (pod) => this.#podChanged(undefined, pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#podGone(pod),
    });
    this.#nodes.addHandlers({
      onAdd: (node) => this.#nodeChanged(undefined, node),
      onUpdate: (old, node) => this.#nodeChanged(old, node),
      onDelete: (node) => this.#nodeChanged(node, undefined),
    });
    this.#controller = new Controller({
      name: daemonSetController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#daemonSets, this.#revisions, this.#pods, this.#nodes],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(daemonSetController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #ownerOf(pod: ReadonlyPod): ReadonlyDaemonSet | undefined {
    const reference = controllerOf(pod);
    if (!reference || !refersTo(reference, 'apps', 'DaemonSet')) return undefined;
    const owner = this.#daemonSets.get(`${pod.metadata.namespace}/${reference.name}`);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  #podChanged(old: ReadonlyPod | undefined, pod: ReadonlyPod): void {
    if (pod.metadata.deletionTimestamp) {
      this.#podGone(pod);
      return;
    }
    const owner = this.#ownerOf(pod);
    const oldOwner = old && this.#ownerOf(old);
    if (oldOwner && oldOwner !== owner) this.#queue.add(keyOf(oldOwner));
    if (owner) {
      if (!old) this.#expectations.creationObserved(keyOf(owner));
      this.#queue.add(keyOf(owner));
    } else if (!controllerOf(pod) && (!old || !semanticEqual(old.metadata.labels, pod.metadata.labels)))
      for (const ds of this.#daemonSets.byNamespace(pod.metadata.namespace ?? ''))
        if (selectorFromObject(ds.spec?.selector).matches(pod.metadata.labels)) this.#queue.add(keyOf(ds));
  }

  #podGone(pod: ReadonlyPod): void {
    const owner = this.#ownerOf(pod);
    if (!owner) return;
    this.#expectations.deletionObserved(keyOf(owner), keyOf(pod));
    this.#queue.add(keyOf(owner));
  }

  /** Only where it makes a difference: nodes report every few seconds. */
  #nodeChanged(old: DeepReadonly<Node> | undefined, node: DeepReadonly<Node> | undefined): void {
    if (old && node && semanticEqual(old.metadata.labels, node.metadata.labels) && semanticEqual(old.spec, node.spec))
      return;
    const none = { shouldRun: false, mayStay: false };
    for (const ds of this.#daemonSets.list()) {
      const before = old ? fitOf(ds, old) : none;
      const after = node ? fitOf(ds, node) : none;
      if (before.shouldRun !== after.shouldRun || before.mayStay !== after.mayStay) this.#queue.add(keyOf(ds));
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    const ds = this.#daemonSets.get(key);
    if (!ds) {
      this.#expectations.forget(key);
      return done;
    }
    if (semanticEqual(ds.spec?.selector, {})) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      this.#recorder.event(asSubject(ds), 'Warning', 'SelectingAll', message);
      return done;
    }
    if (ds.metadata.deletionTimestamp) return done;
    try {
      return await this.#sync(key, ds);
    } catch (error) {
      return statusCause(error, 'NamespaceTerminating') ? done : retry(error);
    }
  }

  async #sync(key: string, ds: ReadonlyDaemonSet): Promise<Outcome> {
    const mayChange = this.#expectations.satisfied(key);
    const hash = await this.#currentHash(ds);
    const state: DaemonState = {
      daemonSet: ds,
      nodes: this.#nodes.list(),
      pods: await this.#claimPods(ds),
      hash,
      nowMs: this.#context.clock.now(),
    };
    let waitMs: number | undefined;
    if (mayChange) {
      const placement = planPlacement(state);
      const finished = this.#dueFinished(key, ds, placement.finished);
      waitMs = finished.waitMs;
      await this.#apply(key, ds, hash, placement.create, [...placement.delete, ...finished.due]);
      if (this.#expectations.satisfied(key)) {
        const rollout = planRollout(state);
        await this.#apply(key, ds, hash, rollout.create, rollout.delete);
      }
    }
    const { status, nextCheckMs } = planStatus(state);
    if (!semanticEqual(status, ds.status)) {
      const client = this.#context.client.resource<DaemonSet>(daemonSets).namespace(ds.metadata.namespace);
      await client.update({ ...(ds as DaemonSet), status }, { subresource: 'status' });
    }
    const next = Math.min(waitMs ?? Number.POSITIVE_INFINITY, nextCheckMs ?? Number.POSITIVE_INFINITY);
    return next === Number.POSITIVE_INFINITY ? done : requeueAfter(next);
  }

  #claimPods(ds: ReadonlyDaemonSet): Promise<ReadonlyPod[]> {
    const { namespace, name = '', uid = '' } = ds.metadata;
    return claimAll<Pod>({
      owner: ds,
      reference: newControllerRef(ds, 'apps/v1', 'DaemonSet'),
      selector: selectorFromObject(ds.spec?.selector),
      candidates: [...this.#pods.byIndex(byController, uid), ...this.#pods.byIndex(byController, orphanKey(namespace))],
      client: this.#context.client.resource<Pod>(pods),
      readOwner: () => this.#context.client.resource(daemonSets).namespace(namespace).get(name),
    });
  }

  /** Makes sure that the current template is a revision, and the newest. */
  async #currentHash(ds: ReadonlyDaemonSet): Promise<string> {
    const { namespace, name = '', uid = '' } = ds.metadata;
    const client = this.#context.client.resource<ControllerRevision>(controllerRevisions).namespace(namespace);
    const own = this.#pods.byIndex(byController, uid);
    const { current, action, obsolete } = planRevisions({
      owner: { name, namespace, reference: newControllerRef(ds, 'apps/v1', 'DaemonSet') },
      template: ds.spec?.template,
      labels: ds.spec?.template?.metadata?.labels,
      revisions: this.#revisions.byIndex(byController, uid),
      live: new Set(own.map((pod) => pod.metadata.labels?.[revisionHashLabel] ?? '')),
      limit: ds.spec?.revisionHistoryLimit ?? 10,
      collisions: ds.status?.collisionCount,
    });
    if (action === 'renumber') await client.update(current);
    if (action === 'create')
      await client.create(current).catch(async (error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
        const there = await client.get(current.metadata.name ?? '');
        if (semanticEqual(there.data, current.data) && controllerOf(there)?.uid === uid) return;
        const status = { ...(ds.status as NonNullable<DaemonSet['status']>) };
        status.collisionCount = (status.collisionCount ?? 0) + 1;
        const sets = this.#context.client.resource<DaemonSet>(daemonSets).namespace(namespace);
        await sets.update({ ...(ds as DaemonSet), status }, { subresource: 'status' });
        throw new Error(`creating ControllerRevision ${current.metadata.name}: another one has this name`);
      });
    for (const revision of obsolete)
      await client.delete(revision.metadata.name ?? '').catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    return hashOf(current);
  }

  /** Of pods that have ended: those whose time has come to be replaced. */
  #dueFinished(key: string, ds: ReadonlyDaemonSet, ended: readonly ReadonlyPod[]) {
    const nowMs = this.#context.clock.monotonicMs();
    const due: ReadonlyPod[] = [];
    let waitMs: number | undefined;
    for (const pod of ended) {
      const place = `${key}/${nodeNameOf(pod)}`;
      const untilMs = this.#patience.get(place);
      if (untilMs === undefined || untilMs <= nowMs) {
        this.#patience.set(place, nowMs + this.#failedPods.when(place));
        const what = pod.status?.phase === 'Failed' ? 'failed' : 'succeeded';
        const reason = what === 'failed' ? 'FailedDaemonPod' : 'SucceededDaemonPod';
        const message = `Found ${what} daemon pod ${keyOf(pod)} on node ${nodeNameOf(pod)}, will try to ${what === 'failed' ? 'kill' : 'delete'} it`;
        this.#recorder.event(asSubject(ds), what === 'failed' ? 'Warning' : 'Normal', reason, message);
        due.push(pod);
      } else waitMs = Math.min(waitMs ?? Number.POSITIVE_INFINITY, untilMs - nowMs);
    }
    return { due, waitMs };
  }

  async #apply(
    key: string,
    ds: ReadonlyDaemonSet,
    hash: string,
    create: readonly string[],
    remove: readonly ReadonlyPod[],
  ): Promise<void> {
    const onto = create.slice(0, burstReplicas);
    const victims = remove.slice(0, burstReplicas);
    if (onto.length === 0 && victims.length === 0) return;
    const client = this.#context.client.resource<Pod>(pods).namespace(ds.metadata.namespace);
    await applyPodBatch({
      key,
      owner: asSubject(ds),
      client,
      expectations: this.#expectations,
      recorder: this.#recorder,
      creations: onto.length,
      podOf: (i) => daemonPod(ds, onto[i]!, hash),
      remove: victims,
    });
  }
}

const asSubject = (ds: ReadonlyDaemonSet) => ({ ...ds, apiVersion: 'apps/v1', kind: 'DaemonSet' });
