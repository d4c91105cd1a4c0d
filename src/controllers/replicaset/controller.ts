/** Keeps as many pods of a template as a ReplicaSet, or a ReplicationController, asks for. */
import type { ReplicaSet, ReplicaSetStatus } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import { Expectations } from '../../client/expectations.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { slowStartBatch } from '../../client/slow-start.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly, GroupVersionResource } from '../../machinery/meta/object.ts';
import { type LabelSelector, selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isNotFound, statusCause } from '../../machinery/status/is.ts';
import { claimAll } from '../common/claim.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  newControllerRef,
  orphanKey,
  refersTo,
} from '../common/controller-ref.ts';
import { isPodActive, isPodReady, podFromTemplate } from '../common/pods.ts';
import { pods, replicaSets } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planReplicas, planStatus, type ReplicasPlan } from './plan.ts';

type ReadonlyReplicaSet = DeepReadonly<ReplicaSet>;
type ReadonlyPod = DeepReadonly<Pod>;

const workers = 5;

/** What differs between the two kinds; objects of both are read as ReplicaSets, but for the selector. */
export interface ReplicaKind {
  readonly controllerName: string;
  /** Of its Events. */
  readonly component: string;
  readonly queueName: string;
  readonly group: string;
  readonly kind: string;
  readonly resource: GroupVersionResource;
  selector(owner: ReadonlyReplicaSet): LabelSelector;
  /** What of the planned status its schema has. */
  status(planned: ReplicaSetStatus): ReplicaSetStatus;
}

const replicaSetKind: ReplicaKind = {
  controllerName: 'replicaset-controller',
  component: 'replicaset-controller',
  queueName: 'replicaset',
  group: 'apps',
  kind: 'ReplicaSet',
  resource: replicaSets,
  selector: (rs) => selectorFromObject(rs.spec?.selector),
  status: (planned) => planned,
};

export const replicaSetController: ControllerDescriptor = {
  name: 'replicaset-controller',
  alias: 'replicaset',
  serviceAccount: 'replicaset-controller',
  create: (context) => new ReplicaSetController(context, replicaSetKind),
};

export class ReplicaSetController implements RunningController {
  readonly #context: ControllerContext;
  readonly #kind: ReplicaKind;
  readonly #apiVersion: string;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #controller: Controller;

  constructor(context: ControllerContext, kind: ReplicaKind) {
    this.#context = context;
    this.#kind = kind;
    this.#apiVersion = kind.group === '' ? 'v1' : `${kind.group}/v1`;
    const { clock, informers } = context;
    this.#recorder = context.recorder(kind.component);
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: kind.queueName });
    this.#expectations = new Expectations(clock);
    this.#replicaSets = informers.informer<ReplicaSet>(kind.resource);
    this.#replicaSets.addIndex(byController, controllerIndex);
    this.#pods = informers.informer<Pod>(pods);
    this.#pods.addIndex(byController, controllerIndex);
    this.#replicaSets.addHandlers({
      onAdd: (rs) => this.#queue.add(keyOf(rs)),
      onUpdate: (_, rs) => this.#queue.add(keyOf(rs)),
      onDelete: (rs) => {
        this.#expectations.forget(keyOf(rs));
        this.#queue.add(keyOf(rs));
      },
    });
    this.#pods.addHandlers({
      onAdd: (pod) => this.#podAdded(pod),
      onUpdate: (old, pod) => this.#podUpdated(old, pod),
      onDelete: (pod) => this.#podDeleted(pod),
    });
    this.#controller = new Controller({
      name: kind.controllerName,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#replicaSets, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(kind.controllerName, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #podAdded(pod: ReadonlyPod): void {
    if (pod.metadata.deletionTimestamp) {
      // After a restart the first sight of a pod may be its end.
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerOf(pod);
    if (owner) {
      this.#expectations.creationObserved(keyOf(owner));
      this.#queue.add(keyOf(owner));
    } else if (!controllerOf(pod)) this.#enqueueMatching(pod);
  }

  #podUpdated(old: ReadonlyPod, pod: ReadonlyPod): void {
    if (pod.metadata.deletionTimestamp) {
      // From now on it is gone for us: graceful deletion can take long, and a replacement must not wait for it.
      this.#podDeleted(pod);
      if (!semanticEqual(old.metadata.labels, pod.metadata.labels)) this.#podDeleted(old);
      return;
    }
    const oldOwner = this.#ownerOf(old);
    const owner = this.#ownerOf(pod);
    if (oldOwner && oldOwner !== owner) this.#queue.add(keyOf(oldOwner));
    if (owner) {
      this.#queue.add(keyOf(owner));
      const { minReadySeconds = 0 } = owner.spec ?? {};
      // Its availability is checked when it is due by the reconciler; this is only for clocks that differ.
      if (minReadySeconds > 0 && !isPodReady(old) && isPodReady(pod))
        this.#queue.addAfter(keyOf(owner), minReadySeconds * 1000 + 1000);
    } else if (!controllerOf(pod)) {
      const changed = !semanticEqual(old.metadata.labels, pod.metadata.labels) || controllerOf(old) !== undefined;
      if (changed) this.#enqueueMatching(pod);
    }
  }

  #podDeleted(pod: ReadonlyPod): void {
    const owner = this.#ownerOf(pod);
    if (!owner) return;
    this.#expectations.deletionObserved(keyOf(owner), keyOf(pod));
    this.#queue.add(keyOf(owner));
  }

  /** The ReplicaSet that controls the pod; not one of the same name that came after it. */
  #ownerOf(pod: ReadonlyPod): ReadonlyReplicaSet | undefined {
    const reference = controllerOf(pod);
    if (!reference || !refersTo(reference, this.#kind.group, this.#kind.kind)) return undefined;
    const owner = this.#replicaSets.get(`${pod.metadata.namespace}/${reference.name}`);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  #enqueueMatching(pod: ReadonlyPod): void {
    for (const rs of this.#replicaSets.byNamespace(pod.metadata.namespace ?? ''))
      if (this.#kind.selector(rs).matches(pod.metadata.labels)) this.#queue.add(keyOf(rs));
  }

  async #reconcile(key: string): Promise<Outcome> {
    const rs = this.#replicaSets.get(key);
    if (!rs) {
      this.#expectations.forget(key);
      return done;
    }
    const isCurrent = this.#expectations.satisfied(key);
    const { uid, namespace } = rs.metadata;
    const candidates = [
      ...this.#pods.byIndex(byController, uid ?? ''),
      ...this.#pods.byIndex(byController, orphanKey(namespace)),
    ];
    let claimed: ReadonlyPod[];
    try {
      claimed = await claimAll<Pod>({
        owner: rs,
        reference: newControllerRef(rs, this.#apiVersion, this.#kind.kind),
        selector: this.#kind.selector(rs),
        candidates,
        mayAdopt: isPodActive,
        client: this.#context.client.resource<Pod>(pods),
        readOwner: () =>
          this.#context.client
            .resource(this.#kind.resource)
            .namespace(namespace)
            .get(rs.metadata.name ?? ''),
      });
    } catch (error) {
      return retry(error);
    }

    let failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly error: unknown } | undefined;
    if (isCurrent && !rs.metadata.deletionTimestamp) {
      const active = claimed.filter(isPodActive);
      const plan = planReplicas({
        replicaSet: rs,
        pods: active,
        relatedPods: this.#relatedPods(rs),
        nowMs: this.#context.clock.now(),
      });
      failure = await this.#manage(key, rs, plan);
    }
    return this.#updateStatus(rs, claimed, failure);
  }

  async #manage(key: string, rs: ReadonlyReplicaSet, plan: ReplicasPlan) {
    switch (plan.kind) {
      case 'nothing':
        return undefined;
      case 'create': {
        const error = await this.#createPods(key, rs, plan.count);
        return error === undefined ? undefined : { reason: 'FailedCreate' as const, error };
      }
      case 'delete': {
        const error = await this.#deletePods(key, rs, plan.pods);
        return error === undefined ? undefined : { reason: 'FailedDelete' as const, error };
      }
    }
  }

  /** Returns the first error. */
  async #createPods(key: string, rs: ReadonlyReplicaSet, count: number): Promise<unknown> {
    const { namespace, name = '' } = rs.metadata;
    const client = this.#context.client.resource<Pod>(pods).namespace(namespace);
    const reference = newControllerRef(rs, this.#apiVersion, this.#kind.kind);
    this.#expectations.expectCreations(key, count);
    let attempted = 0;
    const { error } = await slowStartBatch(count, async () => {
      attempted++;
      try {
        const pod = await client.create(podFromTemplate(rs.spec?.template, namespace, name, reference));
        this.#recorder.event(this.#subject(rs), 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (cause) {
        this.#expectations.creationObserved(key);
        // The namespace is going away, and the ReplicaSet with it.
        if (statusCause(cause, 'NamespaceTerminating')) return;
        this.#recorder.event(this.#subject(rs), 'Warning', 'FailedCreate', `Error creating: ${messageOf(cause)}`);
        throw cause;
      }
    });
    // Those that the slow start gave up on will not be seen.
    for (let i = attempted; i < count; i++) this.#expectations.creationObserved(key);
    return error;
  }

  async #deletePods(key: string, rs: ReadonlyReplicaSet, victims: readonly ReadonlyPod[]): Promise<unknown> {
    const client = this.#context.client.resource<Pod>(pods).namespace(rs.metadata.namespace);
    this.#expectations.expectDeletions(key, victims.map(keyOf));
    const results = await Promise.allSettled(
      victims.map(async (pod) => {
        try {
          const { uid } = pod.metadata;
          await client.delete(pod.metadata.name ?? '', uid ? { preconditions: { uid } } : {});
          this.#recorder.event(this.#subject(rs), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
        } catch (cause) {
          this.#expectations.deletionObserved(key, keyOf(pod));
          if (isNotFound(cause)) return;
          this.#recorder.event(this.#subject(rs), 'Warning', 'FailedDelete', `Error deleting: ${messageOf(cause)}`);
          throw cause;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  #relatedPods(rs: ReadonlyReplicaSet): ReadonlyPod[] {
    const owner = controllerOf(rs);
    const family = owner ? this.#replicaSets.byIndex(byController, owner.uid) : [rs];
    return family.flatMap((member) => this.#pods.byIndex(byController, member.metadata.uid ?? '').filter(isPodActive));
  }

  async #updateStatus(
    rs: ReadonlyReplicaSet,
    claimed: readonly ReadonlyPod[],
    failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly error: unknown } | undefined,
  ): Promise<Outcome> {
    const { status: planned, nextCheckMs } = planStatus({
      replicaSet: rs,
      pods: claimed,
      failure: failure && { reason: failure.reason, message: messageOf(failure.error) },
      nowMs: this.#context.clock.now(),
    });
    const status = this.#kind.status(planned);
    if (!semanticEqual(status, rs.status)) {
      try {
        await this.#context.client
          .resource<ReplicaSet>(this.#kind.resource)
          .namespace(rs.metadata.namespace)
          .update({ ...(rs as ReplicaSet), status }, { subresource: 'status' });
      } catch (error) {
        // Gone, or newer than the cache: an event brings it back.
        return isNotFound(error) ? done : retry(error);
      }
    }
    if (failure) return retry(failure.error);
    return nextCheckMs === undefined ? done : requeueAfter(nextCheckMs);
  }

  /** Items of lists may come without their type. */
  #subject(rs: ReadonlyReplicaSet) {
    return { ...rs, apiVersion: this.#apiVersion, kind: this.#kind.kind };
  }
}
