/** Rolls ReplicaSets out and back for Deployments. */
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { assertNever, messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { claimAll } from '../common/claim.ts';
import { findCondition, withCondition } from '../common/conditions.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  isControlledBy,
  newControllerRef,
  orphanKey,
  refersTo,
} from '../common/controller-ref.ts';
import { isPodTerminal } from '../common/pods.ts';
import { deployments, pods, replicaSets } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type DeploymentAction, planDeployment } from './plan.ts';
import { annotation, sameTemplate } from './revision.ts';
import { conditionsOf, newCondition, type Status } from './status.ts';

type ReadonlyDeployment = DeepReadonly<Deployment>;
type ReadonlyReplicaSet = DeepReadonly<ReplicaSet>;

const workers = 5;
/** 5 ms doubling: the last waits about 82 s. */
const maxRetries = 15;

export const deploymentController: ControllerDescriptor = {
  name: 'deployment-controller',
  alias: 'deployment',
  serviceAccount: 'deployment-controller',
  create: (context) => new DeploymentController(context),
};

/** Another Deployment's ReplicaSet, or one of another template, has the name that ours was to have. */
class HashCollision extends Error {}

class DeploymentController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('deployment-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'deployment' });
    this.#deployments = informers.informer<Deployment>(deployments);
    this.#replicaSets = informers.informer<ReplicaSet>(replicaSets);
    this.#replicaSets.addIndex(byController, controllerIndex);
    this.#pods = informers.informer<Pod>(pods);
    this.#pods.addIndex(byController, controllerIndex);
    const enqueue = (d: ReadonlyDeployment) => this.#queue.add(keyOf(d));
    this.#deployments.addHandlers({ onAdd: enqueue, onUpdate: (_, d) => enqueue(d), onDelete: enqueue });
    this.#replicaSets.addHandlers({
      onAdd: (rs) => this.#enqueueOwnerOrMatching(rs),
      onUpdate: (old, rs) => {
        const oldOwner = this.#ownerOf(old);
        if (oldOwner && oldOwner !== this.#ownerOf(rs)) enqueue(oldOwner);
        this.#enqueueOwnerOrMatching(rs);
      },
      onDelete: (rs) => {
        const owner = this.#ownerOf(rs);
        if (owner) enqueue(owner);
      },
    });
    this.#pods.addHandlers({ onDelete: (pod) => this.#podDeleted(pod) });
    this.#controller = new Controller({
      name: deploymentController.name,
      clock,
      queue: this.#queue,
      workers,
      maxRetries,
      informers: [this.#deployments, this.#replicaSets, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(deploymentController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #ownerOf(rs: ReadonlyReplicaSet): ReadonlyDeployment | undefined {
    const reference = controllerOf(rs);
    if (!reference || !refersTo(reference, 'apps', 'Deployment')) return undefined;
    const owner = this.#deployments.get(`${rs.metadata.namespace}/${reference.name}`);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  #enqueueOwnerOrMatching(rs: ReadonlyReplicaSet): void {
    const owner = this.#ownerOf(rs);
    if (owner) this.#queue.add(keyOf(owner));
    else if (!controllerOf(rs))
      for (const d of this.#deployments.byNamespace(rs.metadata.namespace ?? ''))
        if (selectorOf(d).matches(rs.metadata.labels)) this.#queue.add(keyOf(d));
  }

  /** Only Recreate waits for pods to be gone; all else shows in the ReplicaSets. */
  #podDeleted(pod: DeepReadonly<Pod>): void {
    const reference = controllerOf(pod);
    if (!reference || !refersTo(reference, 'apps', 'ReplicaSet')) return;
    const rs = this.#replicaSets.get(`${pod.metadata.namespace}/${reference.name}`);
    const owner = rs && this.#ownerOf(rs);
    if (owner?.spec?.strategy?.type === 'Recreate') this.#queue.add(keyOf(owner));
  }

  async #reconcile(key: string): Promise<Outcome> {
    const d = this.#deployments.get(key);
    if (!d) return done;
    if (semanticEqual(d.spec?.selector, {})) {
      this.#recorder.event(
        asSubject(d),
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return done;
    }
    try {
      return await this.#sync(d);
    } catch (error) {
      return retry(error);
    }
  }

  async #sync(d: ReadonlyDeployment): Promise<Outcome> {
    const { namespace, name = '', uid = '' } = d.metadata;
    const owned = await claimAll<ReplicaSet>({
      owner: d,
      reference: newControllerRef(d, 'apps/v1', 'Deployment'),
      selector: selectorOf(d),
      candidates: [
        ...this.#replicaSets.byIndex(byController, uid),
        ...this.#replicaSets.byIndex(byController, orphanKey(namespace)),
      ],
      client: this.#context.client.resource<ReplicaSet>(replicaSets),
      readOwner: () => this.#context.client.resource(deployments).namespace(namespace).get(name),
    });
    const plan = planDeployment({
      deployment: d,
      replicaSets: owned,
      oldPodsRun: (newSet) => owned.some((rs) => rs !== newSet && this.#runs(rs)),
      nowMs: this.#context.clock.now(),
    });
    for (const action of plan.actions) {
      try {
        await this.#apply(d, action);
      } catch (error) {
        if (action.kind === 'create') await this.#createFailed(d, action.replicaSet, error);
        throw error;
      }
    }
    await this.#updateStatus(d, plan.status, plan.revision);
    return plan.requeueAfterMs === undefined ? done : requeueAfter(plan.requeueAfterMs);
  }

  #runs(rs: ReadonlyReplicaSet): boolean {
    return this.#pods.byIndex(byController, rs.metadata.uid ?? '').some((pod) => !isPodTerminal(pod));
  }

  async #apply(d: ReadonlyDeployment, action: DeploymentAction): Promise<void> {
    const client = this.#context.client.resource<ReplicaSet>(replicaSets).namespace(d.metadata.namespace);
    switch (action.kind) {
      case 'create': {
        const { replicaSet } = action;
        try {
          await client.create(replicaSet);
        } catch (error) {
          if (statusCause(error, 'NamespaceTerminating')) return;
          if (!isAlreadyExists(error)) throw error;
          const there = await client.get(replicaSet.metadata.name ?? '');
          // Ours after all: the cache has not shown it yet.
          if (isControlledBy(there, d) && sameTemplate(there.spec?.template, replicaSet.spec?.template)) return;
          throw new HashCollision(`creating ReplicaSet ${replicaSet.metadata.name}: another one has this name`);
        }
        this.#noteScaling(d, replicaSet, 0, replicaSet.spec?.replicas ?? 0);
        return;
      }
      case 'update':
        await client.update(action.replicaSet);
        this.#noteScaling(d, action.replicaSet, action.from, action.to);
        return;
      case 'delete':
        try {
          await client.delete(action.replicaSet.metadata.name ?? '');
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return;
      default:
        assertNever(action, 'action');
    }
  }

  #noteScaling(d: ReadonlyDeployment, rs: ReadonlyReplicaSet, from: number, to: number): void {
    if (from === to) return;
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${rs.metadata.name} from ${from} to ${to}`;
    this.#recorder.event(asSubject(d), 'Normal', 'ScalingReplicaSet', message);
  }

  /** A collision is remembered, so that the next try hashes to another name; any other failure shows as a condition. */
  async #createFailed(d: ReadonlyDeployment, rs: ReplicaSet, error: unknown): Promise<void> {
    const status = (d.status ?? {}) as Status;
    if (error instanceof HashCollision) {
      await this.#updateStatus(d, { ...status, collisionCount: (status.collisionCount ?? 0) + 1 }, undefined);
      return;
    }
    const message = `Failed to create new replica set "${rs.metadata.name}": ${messageOf(error)}`;
    this.#recorder.event(asSubject(d), 'Warning', 'ReplicaSetCreateError', message);
    const conditions = conditionsOf(d);
    if (findCondition(conditions, 'Progressing')?.reason === 'ReplicaSetCreateError') return;
    const condition = newCondition('Progressing', 'False', 'ReplicaSetCreateError', message, this.#context.clock.now());
    await this.#updateStatus(d, { ...status, conditions: withCondition(conditions, condition) }, undefined);
  }

  /** Writes the status, and with it the revision: the status endpoint takes annotations too. */
  async #updateStatus(d: ReadonlyDeployment, status: Status, revision: string | undefined): Promise<void> {
    if (revision === undefined && semanticEqual(status, d.status)) return;
    const annotations = { ...d.metadata.annotations, ...(revision ? { [annotation.revision]: revision } : {}) };
    const updated = { ...d, metadata: { ...d.metadata, annotations }, status } as Deployment;
    await this.#context.client
      .resource<Deployment>(deployments)
      .namespace(d.metadata.namespace)
      .update(updated, { subresource: 'status' });
  }
}

const selectorOf = (d: ReadonlyDeployment) => selectorFromObject(d.spec?.selector);
const asSubject = (d: ReadonlyDeployment) => ({ ...d, apiVersion: 'apps/v1', kind: 'Deployment' });
