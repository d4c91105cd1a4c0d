/**
 * Deletes what nobody owns any more, in the background or before its owner goes (foreground), or lets it live on alone
 * (orphan).
 *
 * The graph only says where to look. Before anything is deleted, the object and each of its owners are read live: the
 * graph is made of many watches, which run ahead of one another.
 */
import { sleep } from '../../base/clock.ts';
import { assertNever, messageOf } from '../../base/errors.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { ResourceClient } from '../../client/client.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly, KubeObject, OwnerReference } from '../../machinery/meta/object.ts';
import { isInvalid, isNotFound } from '../../machinery/status/is.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import {
  foregroundFinalizer,
  type GraphChange,
  type GraphNode,
  type Identity,
  orphanFinalizer,
  OwnerGraph,
} from './graph.ts';
import { Monitors } from './monitors.ts';
import { type DeletePlan, type OwnerState, planDelete } from './plan.ts';

const workers = 20;
/** How often the server is asked which resources it has. */
const discoveryPeriodMs = 30_000;
const firstDiscoveryRetryMs = 1_000;
/** An owner that exists but that no watch has shown yet is looked at again after this. */
const unobservedRetryMs = 1_000;
/** Owners known to be absent, so that a thousand dependents do not each ask. */
const maxAbsent = 500;

export const garbageCollector: ControllerDescriptor = {
  name: 'garbage-collector-controller',
  alias: 'garbagecollector',
  serviceAccount: 'generic-garbage-collector',
  create: (context) => new GarbageCollector(context),
};

class GarbageCollector implements RunningController {
  readonly #context: ControllerContext;
  readonly #graph = new OwnerGraph();
  readonly #monitors: Monitors;
  /** Keys are UIDs of nodes of the graph. */
  readonly #deleteQueue: WorkQueue;
  readonly #orphanQueue: WorkQueue;
  readonly #controllers: readonly Controller[];
  readonly #lifetime: Lifetime;
  readonly #absent = new Set<string>();
  #hasSynced: Promise<void> | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, random, metadataClient } = context;
    const onError = (error: unknown, key?: string) => context.onError(garbageCollector.name, error, key);
    this.#monitors = new Monitors({
      metadataClient,
      clock,
      random,
      onError,
      sink: {
        observed: (identity, object) => this.#enqueue(this.#graph.observe(identity, object)),
        deleted: (identity) => this.#forgetObject(identity),
      },
    });
    this.#deleteQueue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'garbage_collector_attempt_to_delete',
    });
    this.#orphanQueue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'garbage_collector_attempt_to_orphan',
    });
    const gate = { whenSynced: () => this.#hasSynced ?? Promise.resolve() };
    const common = { clock, workers, informers: [gate], onError };
    this.#controllers = [
      new Controller({
        ...common,
        name: garbageCollector.name,
        queue: this.#deleteQueue,
        reconcile: (uid) => this.#attemptToDelete(uid),
      }),
      new Controller({
        ...common,
        name: `${garbageCollector.name} (orphans)`,
        queue: this.#orphanQueue,
        reconcile: (uid) => this.#attemptToOrphan(uid),
      }),
    ];
    this.#lifetime = new Lifetime((error) => onError(error));
  }

  start(): void {
    const { signal } = this.#lifetime;
    let synced: () => void = () => {};
    this.#hasSynced = new Promise((resolve) => {
      synced = resolve;
    });
    signal.addEventListener('abort', () => synced(), { once: true });
    this.#lifetime.spawn(async () => {
      for (let isSynced = false; ; ) {
        const isKnown = await this.#syncMonitors(signal);
        // Nothing is deleted before everything has been seen once.
        if (isKnown && !isSynced) {
          await this.#monitors.whenSynced(signal);
          isSynced = true;
          synced();
        }
        const periodMs = isKnown ? discoveryPeriodMs : firstDiscoveryRetryMs;
        await sleep(this.#context.clock, periodMs, signal, 'garbage collector: discovery');
      }
    });
    for (const controller of this.#controllers) controller.start();
  }

  async stop(): Promise<void> {
    await this.#lifetime.stop();
    await Promise.all(this.#controllers.map((controller) => controller.stop()));
    await this.#monitors.stop();
  }

  async #syncMonitors(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#monitors.sync(signal);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#context.onError(garbageCollector.name, error);
      return false;
    }
  }

  #enqueue({ attemptToDelete, attemptToOrphan }: GraphChange): void {
    for (const node of attemptToDelete) this.#deleteQueue.add(node.identity.uid);
    for (const node of attemptToOrphan) this.#orphanQueue.add(node.identity.uid);
  }

  #forgetObject(identity: Identity): void {
    const node = this.#graph.get(identity.uid);
    if (node && node.dependents.size > 0) this.#noteAbsent(identity);
    this.#enqueue(this.#graph.remove(identity.uid));
  }

  #noteAbsent(identity: Identity): void {
    this.#absent.add(text(identity));
    if (this.#absent.size > maxAbsent) this.#absent.delete(this.#absent.values().next().value!);
  }

  async #attemptToDelete(uid: string): Promise<Outcome> {
    const node = this.#graph.get(uid);
    if (!node) return done;
    // It was looked at as an owner, and has been seen since.
    if (!node.isVirtual && !node.isDeletingDependents && node.owners.length === 0) return done;
    // Its own deletion is under way; only waiting for dependents needs us.
    if (node.isBeingDeleted && !node.isDeletingDependents) return done;
    try {
      if (node.isVirtual) return await this.#verifyVirtual(node);
      const client = this.#clientOf(node.identity);
      if (!client) return retry(new Error(`garbage collection of ${text(node.identity)}: its kind is not known`));
      const latest = await readLive(client, node.identity);
      if (!latest) {
        this.#forgetObject(node.identity);
        return done;
      }
      if (node.isDeletingDependents) return await this.#finishForeground(node, client, latest);
      return await this.#deleteUnowned(node, client, latest);
    } catch (error) {
      if (isNotFound(error)) return done;
      return retry(new Error(`garbage collection of ${text(node.identity)}: ${messageOf(error)}`, { cause: error }));
    }
  }

  /** An owner that no watch has shown: if it is absent, its dependents are to be looked at. */
  async #verifyVirtual(node: GraphNode): Promise<Outcome> {
    const state = await this.#stateOf(node.identity);
    if (state !== 'absent') return requeueAfter(unobservedRetryMs);
    this.#forgetObject(node.identity);
    return done;
  }

  async #deleteUnowned(node: GraphNode, client: ResourceClient, latest: DeepReadonly<KubeObject>): Promise<Outcome> {
    const owners: { reference: DeepReadonly<OwnerReference>; state: OwnerState }[] = [];
    for (const reference of latest.metadata.ownerReferences ?? []) {
      const { apiVersion, kind, name, uid } = reference;
      const identity = { apiVersion, kind, name, uid, namespace: node.identity.namespace };
      owners.push({ reference, state: await this.#stateOf(identity) });
    }
    const isDeleting = [...node.dependents].some((dependent) => dependent.isDeletingDependents);
    const dependents = isDeleting ? 'deleting' : node.dependents.size > 0 ? 'some' : 'none';
    return this.#apply(node, client, latest, planDelete({ object: latest, owners, dependents }));
  }

  async #apply(
    node: GraphNode,
    client: ResourceClient,
    latest: DeepReadonly<KubeObject>,
    plan: DeletePlan,
  ): Promise<Outcome> {
    const { name, uid } = node.identity;
    switch (plan.kind) {
      case 'keep':
        return done;
      case 'dropOwners':
        await dropOwners(client, latest, plan.uids);
        return done;
      case 'delete': {
        let resourceVersion: string | undefined;
        if (plan.unblockOwners) {
          const ownerReferences = (latest.metadata.ownerReferences ?? []).map((owner) => ({
            ...owner,
            blockOwnerDeletion: false,
          }));
          await client.patch(name, 'merge', { metadata: { uid, ownerReferences } });
        } else resourceVersion = latest.metadata.resourceVersion;
        // The revision too: owners that were added since it was read must save it.
        const preconditions = { uid, ...(resourceVersion ? { resourceVersion } : {}) };
        await client.delete(name, { propagationPolicy: plan.policy, preconditions });
        return done;
      }
      default:
        return assertNever(plan, 'plan');
    }
  }

  /** Its blocking dependents are asked to go; once none is left, it goes itself. */
  async #finishForeground(node: GraphNode, client: ResourceClient, latest: DeepReadonly<KubeObject>): Promise<Outcome> {
    const blocking = node.blockingDependents();
    if (blocking.length === 0) {
      await removeFinalizer(client, latest, foregroundFinalizer);
      return done;
    }
    for (const dependent of blocking)
      if (!dependent.isDeletingDependents) this.#deleteQueue.add(dependent.identity.uid);
    return done;
  }

  async #attemptToOrphan(uid: string): Promise<Outcome> {
    const node = this.#graph.get(uid);
    if (!node || node.isVirtual) return done;
    try {
      const client = this.#clientOf(node.identity);
      if (!client) return retry(new Error(`orphaning dependents of ${text(node.identity)}: its kind is not known`));
      for (const dependent of [...node.dependents]) {
        const dependentClient = this.#clientOf(dependent.identity);
        const latest = dependentClient && (await readLive(dependentClient, dependent.identity));
        if (latest) await dropOwners(dependentClient, latest, [uid]);
      }
      const latest = await readLive(client, node.identity);
      if (latest) await removeFinalizer(client, latest, orphanFinalizer);
      return done;
    } catch (error) {
      if (isNotFound(error)) return done;
      return retry(new Error(`orphaning dependents of ${text(node.identity)}: ${messageOf(error)}`, { cause: error }));
    }
  }

  /** Of an owner: asked live, unless it is known to be absent. */
  async #stateOf(named: Identity): Promise<OwnerState> {
    const resource = this.#monitors.resourceOf(named.apiVersion, named.kind);
    // An unknown kind may be a group that does not answer now: what it owns must not be lost for that.
    if (!resource) throw new Error(`owner ${text(named)}: its kind is not known to the server`);
    // All that a reference says counts: of one that errs in the name, the owner is absent, though its UID exists.
    const identity = resource.namespaced ? named : { ...named, namespace: '' };
    if (this.#absent.has(text(identity))) return 'absent';
    const client = this.#context.metadataClient.resource(resource);
    const owner = await readLive(client.namespace(identity.namespace || undefined), identity);
    if (!owner) {
      this.#noteAbsent(identity);
      return 'absent';
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    return deletionTimestamp && finalizers.includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  #clientOf({ apiVersion, kind, namespace }: Identity): ResourceClient | undefined {
    const resource = this.#monitors.resourceOf(apiVersion, kind);
    if (!resource) return undefined;
    return this.#context.metadataClient.resource(resource).namespace(resource.namespaced ? namespace : undefined);
  }
}

/** The object if it is still the same one. */
async function readLive(client: ResourceClient, { name, uid }: Identity): Promise<KubeObject | undefined> {
  try {
    const object = await client.get(name);
    return object.metadata.uid === uid ? object : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function dropOwners(
  client: ResourceClient,
  object: DeepReadonly<KubeObject>,
  uids: readonly string[],
): Promise<void> {
  const { name = '', resourceVersion, ownerReferences = [] } = object.metadata;
  const kept = ownerReferences.filter((owner) => !uids.includes(owner.uid));
  if (kept.length === ownerReferences.length) return;
  // With the revision: a list is replaced as a whole, and nobody else's change to it may be lost.
  const patch = { metadata: { resourceVersion, ownerReferences: kept.length > 0 ? kept : null } };
  await client.patch(name, 'merge', patch);
}

async function removeFinalizer(
  client: ResourceClient,
  object: DeepReadonly<KubeObject>,
  finalizer: string,
): Promise<void> {
  const { name = '', resourceVersion, finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const kept = finalizers.filter((f) => f !== finalizer);
  try {
    await client.patch(name, 'merge', { metadata: { resourceVersion, finalizers: kept.length > 0 ? kept : null } });
  } catch (error) {
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}

const text = ({ apiVersion, kind, namespace, name, uid }: Identity): string =>
  `${apiVersion} ${kind} ${namespace === '' ? '' : `${namespace}/`}${name} (${uid})`;
