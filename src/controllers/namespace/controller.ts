/** Empties namespaces that are being deleted, and lets them go when nothing is left. */
import type { Namespace } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import { discover, type DiscoveredResource, type Discovery, preferred } from '../../client/discovery.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isConflict, isMethodNotSupported, isNotFound } from '../../machinery/status/is.ts';
import type { Condition } from '../common/conditions.ts';
import { namespaces } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type ContentReport, deletionConditions } from './plan.ts';
import { timeMs } from '../../machinery/meta/time.ts';

const workers = 10;
const finalizer = 'kubernetes';
/** How long what has finalizers is expected to take. */
const finalizerEstimateSeconds = 15;
/** The first looks come sooner than the estimate: mostly all is gone at once. */
const firstLookMs = 100;

export const namespaceController: ControllerDescriptor = {
  name: 'namespace-controller',
  alias: 'namespace',
  serviceAccount: 'namespace-controller',
  create: (context) => new NamespaceController(context),
};

class NamespaceController implements RunningController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #namespaces: Informer<Namespace>;
  readonly #controller: Controller;
  /** How often a namespace was found not empty. */
  readonly #looks = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#queue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'namespace',
      rateLimiter: new ExponentialRateLimiter(5, 60_000),
    });
    this.#namespaces = informers.informer<Namespace>(namespaces);
    const enqueue = (ns: DeepReadonly<Namespace>) => {
      if (ns.metadata.deletionTimestamp) this.#queue.add(keyOf(ns));
    };
    this.#namespaces.addHandlers({
      onAdd: enqueue,
      onUpdate: (old, ns) => {
        // Not the conditions that this controller itself writes: those come with a time of their own.
        if (!old.metadata.deletionTimestamp || !semanticEqual(old.spec, ns.spec)) enqueue(ns);
      },
      onDelete: (ns) => this.#looks.delete(keyOf(ns)),
    });
    this.#controller = new Controller({
      name: namespaceController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#namespaces],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      onError: (error, key) => context.onError(namespaceController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const client = this.#context.client.resource<Namespace>(namespaces);
    try {
      let ns = await client.get(name);
      if (!ns.metadata.deletionTimestamp || !ns.spec?.finalizers?.includes(finalizer)) return done;
      if (ns.status?.phase !== 'Terminating')
        ns = await client.update({ ...ns, status: { ...ns.status, phase: 'Terminating' } }, { subresource: 'status' });

      const report = await this.#deleteContent(ns, signal);
      const conditions = deletionConditions(
        (ns.status?.conditions ?? []) as Condition[],
        report,
        this.#context.clock.now(),
      );
      if (!semanticEqual(conditions, ns.status?.conditions))
        ns = await client.update(
          { ...ns, status: { ...ns.status, conditions: conditions as never } },
          { subresource: 'status' },
        );
      if (report.failures.length > 0 || report.undiscovered.length > 0)
        return retry(
          new Error(`deleting the content of ${name}: ${[...report.failures, ...report.undiscovered].join('; ')}`),
        );
      if (report.estimateSeconds > 0) return requeueAfter(this.#patience(name, report.estimateSeconds));

      const finalizers = ns.spec?.finalizers?.filter((f) => f !== finalizer) ?? [];
      await client.update({ ...ns, spec: { ...ns.spec, finalizers } }, { subresource: 'finalize' });
      return done;
    } catch (error) {
      if (isNotFound(error)) return done;
      return isConflict(error) ? requeueAfter(firstLookMs) : retry(error);
    }
  }

  #patience(name: string, estimateSeconds: number): number {
    const looks = this.#looks.get(name) ?? 0;
    this.#looks.set(name, looks + 1);
    return Math.min((estimateSeconds / 2 + 1) * 1000, firstLookMs * 2 ** looks);
  }

  /** Pods go first, alone: what they need (secrets, network policies) must outlive them. */
  async #deleteContent(ns: Namespace, signal: AbortSignal): Promise<ContentReport> {
    const report = {
      undiscovered: [] as string[],
      failures: [] as string[],
      remaining: new Map<string, number>(),
      finalizers: new Map<string, number>(),
      estimateSeconds: 0,
    };
    const discovery: Discovery = await discover(this.#context.client.transport, signal);
    report.undiscovered.push(...discovery.failed);
    const deletable = preferred(discovery.resources).filter((r) => r.namespaced && r.verbs.includes('delete'));
    const pods = deletable.filter((r) => r.group === '' && r.resource === 'pods');
    for (const resource of pods) await this.#deleteAll(ns, resource, report);
    if (report.remaining.size > 0 || report.failures.length > 0) return report;
    const rest = deletable.filter((r) => !pods.includes(r));
    await Promise.all(rest.map((resource) => this.#deleteAll(ns, resource, report)));
    return report;
  }

  async #deleteAll(
    ns: Namespace,
    resource: DiscoveredResource,
    report: Mutable<Omit<ContentReport, 'undiscovered'>>,
  ): Promise<void> {
    const what = `${resource.resource}.${resource.group}`;
    const client = this.#context.metadataClient.resource<KubeObject>(resource).namespace(ns.metadata.name);
    try {
      // Most resources of a namespace are empty: reading that is cheaper than deleting nothing.
      let items = await this.#list(client, resource);
      if (items.length === 0) return;
      if (resource.verbs.includes('deletecollection'))
        await client.deleteCollection({ propagationPolicy: 'Background' }).catch((error: unknown) => {
          if (!isMethodNotSupported(error) && !isNotFound(error)) throw error;
        });
      else
        for (const item of items)
          await client.delete(item.metadata.name ?? '', { propagationPolicy: 'Background' }).catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
      items = await this.#list(client, resource);
      if (items.length === 0) return;
      report.remaining.set(what, items.length);
      for (const item of items)
        for (const name of item.metadata.finalizers ?? [])
          report.finalizers.set(name, (report.finalizers.get(name) ?? 0) + 1);
      report.estimateSeconds = Math.max(report.estimateSeconds, this.#estimate(items));
    } catch (error) {
      report.failures.push(`${what}: ${messageOf(error)}`);
    }
  }

  async #list(
    client: ReturnType<ControllerContext['metadataClient']['resource']>,
    resource: DiscoveredResource,
  ): Promise<readonly KubeObject[]> {
    if (!resource.verbs.includes('list')) return [];
    try {
      return (await client.list()).items;
    } catch (error) {
      // Discovered a moment ago, gone now (a CRD), or never meant to be listed.
      if (isNotFound(error) || isMethodNotSupported(error)) return [];
      throw error;
    }
  }

  /** The longest grace that is still running, at least what finalizers may take. */
  #estimate(items: readonly KubeObject[]): number {
    let seconds = 1;
    for (const { metadata } of items) {
      const graceEndsMs = (timeMs(metadata.deletionTimestamp) ?? 0) - this.#context.clock.now();
      seconds = Math.max(seconds, metadata.finalizers?.length ? finalizerEstimateSeconds : 0, graceEndsMs / 1000);
    }
    return seconds;
  }
}

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends ReadonlyMap<infer A, infer B>
    ? Map<A, B>
    : T[K] extends readonly (infer I)[]
      ? I[]
      : T[K];
};
