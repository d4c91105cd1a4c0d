/** Keeps pods that each have a name, a place in the order, and claims of their own. */
import type { ControllerRevision, StatefulSet } from '../../apis/generated/types/apps/v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
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
import {
  byController,
  controllerIndex,
  controllerOf,
  newControllerRef,
  orphanKey,
  refersTo,
} from '../common/controller-ref.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from '../common/resources.ts';
import { planRevisions } from '../common/revision-history.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planStatefulSet, type StatefulPlan } from './plan.ts';
import { claimsOf, ordinalOf, revisionOf, statefulPod } from './pod.ts';

type ReadonlyStatefulSet = DeepReadonly<StatefulSet>;
type ReadonlyPod = DeepReadonly<Pod>;

const workers = 5;

export const statefulSetController: ControllerDescriptor = {
  name: 'statefulset-controller',
  alias: 'statefulset',
  serviceAccount: 'statefulset-controller',
  create: (context) => new StatefulSetController(context),
};

class StatefulSetController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #sets: Informer<StatefulSet>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #pods: Informer<Pod>;
  readonly #controller: Controller;
  /** Pods made and deleted: a plan waits until the cache shows them, or it would break the order. */
  readonly #writtenPods = new WrittenVersions();
  readonly #writtenRevisions = new WrittenVersions();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('statefulset-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'statefulset' });
    this.#sets = informers.informer<StatefulSet>(statefulSets);
    this.#revisions = informers.informer<ControllerRevision>(controllerRevisions);
    this.#claims = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
    this.#pods = informers.informer<Pod>(pods);
    this.#revisions.addIndex(byController, controllerIndex);
    this.#pods.addIndex(byController, controllerIndex);
    const enqueue = (set: ReadonlyStatefulSet) => this.#queue.add(keyOf(set));
    this.#sets.addHandlers({
      onAdd: enqueue,
      onUpdate: (_, set) => enqueue(set),
      onDelete: (set) => {
        this.#writtenPods.forget(keyOf(set));
        this.#writtenRevisions.forget(keyOf(set));
      },
    });
    this.#revisions.addHandlers({
      onAdd: (revision) => this.#enqueueOwner(revision),
      onUpdate: (_, revision) => this.#enqueueOwner(revision),
    });
    this.#pods.addHandlers({
      onAdd: (pod) => this.#podChanged(undefined, pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#enqueueOwner(pod),
    });
    this.#controller = new Controller({
      name: statefulSetController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#sets, this.#revisions, this.#claims, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(statefulSetController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #enqueueOwner(object: Parameters<typeof controllerOf>[0]): void {
    const reference = controllerOf(object);
    if (!reference || !refersTo(reference, 'apps', 'StatefulSet')) return;
    const owner = this.#sets.get(`${object.metadata.namespace}/${reference.name}`);
    if (owner?.metadata.uid === reference.uid) this.#queue.add(keyOf(owner));
  }

  #podChanged(old: ReadonlyPod | undefined, pod: ReadonlyPod): void {
    if (old) this.#enqueueOwner(old);
    this.#enqueueOwner(pod);
    if (controllerOf(pod) || (old && semanticEqual(old.metadata.labels, pod.metadata.labels))) return;
    for (const set of this.#sets.byNamespace(pod.metadata.namespace ?? ''))
      if (selectorFromObject(set.spec?.selector).matches(pod.metadata.labels)) this.#queue.add(keyOf(set));
  }

  async #reconcile(key: string): Promise<Outcome> {
    const set = this.#sets.get(key);
    if (!set) return done;
    const isFresh =
      this.#writtenPods.areSeenBy(this.#pods, key) && this.#writtenRevisions.areSeenBy(this.#revisions, key);
    // An event of what was written brings it back.
    if (!isFresh) return done;
    try {
      return await this.#sync(key, set);
    } catch (error) {
      return statusCause(error, 'NamespaceTerminating') ? done : retry(error);
    }
  }

  async #sync(key: string, set: ReadonlyStatefulSet): Promise<Outcome> {
    const { namespace, name = '', uid = '' } = set.metadata;
    const client = this.#context.client.resource<StatefulSet>(statefulSets).namespace(namespace);
    const claimed = await claimAll<Pod>({
      owner: set,
      reference: newControllerRef(set, 'apps/v1', 'StatefulSet'),
      selector: selectorFromObject(set.spec?.selector),
      candidates: [...this.#pods.byIndex(byController, uid), ...this.#pods.byIndex(byController, orphanKey(namespace))],
      mayAdopt: (pod) => ordinalOf(set, pod) !== undefined,
      client: this.#context.client.resource<Pod>(pods),
      readOwner: () => client.get(name),
    });
    const { current, update, templates } = await this.#syncRevisions(key, set, claimed);
    const plan = planStatefulSet({
      set,
      pods: claimed,
      currentRevision: current,
      updateRevision: update,
      nowMs: this.#context.clock.now(),
    });
    await this.#apply(key, set, plan, templates);
    if (!semanticEqual(plan.status, set.status))
      await client.update({ ...(set as StatefulSet), status: plan.status }, { subresource: 'status' });
    return plan.nextCheckMs === undefined ? done : requeueAfter(plan.nextCheckMs);
  }

  /** Names of the current and the newest revision, and the template of each. */
  async #syncRevisions(key: string, set: ReadonlyStatefulSet, own: readonly ReadonlyPod[]) {
    const { namespace, name = '', uid = '' } = set.metadata;
    const client = this.#context.client.resource<ControllerRevision>(controllerRevisions).namespace(namespace);
    const revisions = this.#revisions.byIndex(byController, uid);
    const nameToHash = (revision: string) => revision.slice(name.length + 1);
    const inUse = [...own.map(revisionOf), set.status?.currentRevision ?? '', set.status?.updateRevision ?? ''];
    const planned = planRevisions({
      owner: { name, namespace, reference: newControllerRef(set, 'apps/v1', 'StatefulSet') },
      template: set.spec?.template,
      labels: set.spec?.template?.metadata?.labels,
      revisions,
      live: new Set(inUse.map(nameToHash)),
      limit: set.spec?.revisionHistoryLimit ?? 10,
      collisions: set.status?.collisionCount || undefined,
    });
    if (planned.action === 'create') {
      try {
        this.#writtenRevisions.note(key, await client.create(planned.current));
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const there = await client.get(planned.current.metadata.name ?? '');
        if (!semanticEqual(there.data, planned.current.data)) throw error;
      }
    } else if (planned.action === 'renumber') this.#writtenRevisions.note(key, await client.update(planned.current));
    for (const revision of planned.obsolete)
      await client.delete(revision.metadata.name ?? '').catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });

    const update = planned.current.metadata.name ?? '';
    const templates = new Map([...revisions, planned.current].map((r) => [r.metadata.name ?? '', templateOf(r)]));
    const stored = set.status?.currentRevision;
    return { update, current: stored && templates.has(stored) ? stored : update, templates };
  }

  async #apply(
    key: string,
    set: ReadonlyStatefulSet,
    plan: StatefulPlan,
    templates: ReadonlyMap<string, DeepReadonly<PodTemplateSpec> | undefined>,
  ): Promise<void> {
    const { namespace, name = '' } = set.metadata;
    const client = this.#context.client.resource<Pod>(pods).namespace(namespace);
    for (const { ordinal, revision } of plan.create) {
      await this.#ensureClaims(set, ordinal);
      const pod = statefulPod(set, ordinal, templates.get(revision), revision);
      const what = `Pod ${pod.metadata.name} in StatefulSet ${name}`;
      try {
        this.#writtenPods.note(key, await client.create(pod));
        this.#note(set, 'Normal', 'SuccessfulCreate', `create ${what} successful`);
      } catch (error) {
        if (!isAlreadyExists(error))
          this.#note(set, 'Warning', 'FailedCreate', `create ${what} failed error: ${messageOf(error)}`);
        throw error;
      }
    }
    for (const pod of plan.delete) {
      const { uid = '' } = pod.metadata;
      const what = `Pod ${pod.metadata.name} in StatefulSet ${name}`;
      try {
        await client.delete(pod.metadata.name ?? '', { preconditions: { uid } });
        this.#note(set, 'Normal', 'SuccessfulDelete', `delete ${what} successful`);
      } catch (error) {
        if (isNotFound(error)) continue;
        this.#note(set, 'Warning', 'FailedDelete', `delete ${what} failed error: ${messageOf(error)}`);
        throw error;
      }
    }
  }

  async #ensureClaims(set: ReadonlyStatefulSet, ordinal: number): Promise<void> {
    const { namespace, name = '' } = set.metadata;
    for (const { claim } of claimsOf(set, ordinal)) {
      if (this.#claims.get(keyOf(claim))) continue;
      try {
        await this.#context.client
          .resource<PersistentVolumeClaim>(persistentVolumeClaims)
          .namespace(namespace)
          .create(claim);
        const message = `create Claim ${claim.metadata.name} Pod ${name}-${ordinal} in StatefulSet ${name} success`;
        this.#note(set, 'Normal', 'SuccessfulCreate', message);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }

  #note(set: ReadonlyStatefulSet, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...set, apiVersion: 'apps/v1', kind: 'StatefulSet' }, type, reason, message);
  }
}

function templateOf(revision: DeepReadonly<ControllerRevision>): DeepReadonly<PodTemplateSpec> | undefined {
  const { template } =
    (revision.data as { spec?: { template?: DeepReadonly<PodTemplateSpec> & { $patch?: string } } }).spec ?? {};
  if (!template) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}
