/**
 * Counts what namespaces use of their ResourceQuotas. Admission charges a quota before an object is made; this gives
 * back what deleted and finished objects used, and counts anew when a quota changes and every few minutes.
 */
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../apis/generated/types/core/v1.ts';
import { usesQuota } from '../../apis/core/resourcequota/usage.ts';
import type { GroupResource } from '../../apis/core/resourcequota/usage.ts';
import { objectCountName } from '../../apis/core/resourcequota/usage.ts';
import { discover, preferred } from '../../client/discovery.ts';
import { done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { persistentVolumeClaims, pods, resourceQuotas, services } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planQuota, resourcesOf } from './plan.ts';

/** As upstream's --resource-quota-sync-period. */
const resyncMs = 5 * 60_000;
/** A resource that the server does not know may come with a CustomResourceDefinition. */
const unknownResourceMs = 30_000;

export const resourceQuotaController: ControllerDescriptor = {
  name: 'resourcequota-controller',
  alias: 'resourcequota',
  serviceAccount: 'resourcequota-controller',
  create: (context) => new ResourceQuotaController(context),
};

class ResourceQuotaController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #full: ReadonlyMap<string, Informer<KubeObject>>;
  /** Of all other resources that some quota limits, as metadata alone; followed from then on. */
  readonly #metadata = new Map<string, Informer<KubeObject>>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: resourceQuotaController.name,
      queueName: 'resourcequota_primary',
      reconcile: (key, signal) => this.#sync(key, signal),
    });
    this.#quotas = this.#loop.follows<ResourceQuota>(resourceQuotas, {
      on: ['add', 'update'],
      // Limits in the status are this controller's word alone: whoever else wrote them is corrected at once.
      changed: (old, quota) =>
        !semanticEqual(old.spec, quota.spec) || !semanticEqual(quota.status?.hard, quota.spec?.hard),
    });
    const inNamespace = { keys: ({ metadata }: DeepReadonly<KubeObject>) => this.#quotasIn(metadata.namespace) };
    const claims = this.#loop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      ...inNamespace,
      on: ['update', 'delete'],
      changed: (old, claim) => !semanticEqual(old.spec?.resources, claim.spec?.resources),
    });
    this.#full = new Map<string, Informer<KubeObject>>([
      [
        'count/pods',
        this.#loop.follows<Pod>(pods, {
          ...inNamespace,
          on: ['update', 'delete'],
          changed: (old, pod) => {
            const nowMs = context.clock.now();
            return usesQuota(old, nowMs) && !usesQuota(pod, nowMs);
          },
        }) as unknown as Informer<KubeObject>,
      ],
      [
        'count/services',
        this.#loop.follows<Service>(services, {
          ...inNamespace,
          on: ['update', 'delete'],
          changed: (old, service) => old.spec?.type !== service.spec?.type,
        }) as unknown as Informer<KubeObject>,
      ],
      ['count/persistentvolumeclaims', claims as unknown as Informer<KubeObject>],
    ]);
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all([...this.#metadata.values()].map((informer) => informer.stop()));
  }

  #quotasIn(namespace: string | undefined): string[] {
    return this.#quotas.byNamespace(namespace ?? '').map(keyOf);
  }

  async #sync(key: string, signal: AbortSignal): Promise<Outcome> {
    const quota = this.#quotas.get(key);
    if (!quota) return done;
    const namespace = quota.metadata.namespace ?? '';
    let isUnknown = false;
    const sources = new Map<string, Informer<KubeObject>>();
    for (const resource of resourcesOf(quota)) {
      const source = await this.#source(resource, signal);
      if (source === undefined) isUnknown = true;
      else sources.set(objectCountName(resource), source);
    }
    const status = planQuota({
      quota,
      objectsOf: (resource) => sources.get(objectCountName(resource))?.byNamespace(namespace),
      nowMs: this.#context.clock.now(),
    });
    if (!semanticEqual(status, quota.status)) {
      try {
        await this.#context.client
          .resource<ResourceQuota>(resourceQuotas)
          .namespace(namespace)
          .update({ ...(quota as ResourceQuota), status }, { subresource: 'status' });
      } catch (error) {
        // A conflict: admission has charged it meanwhile.
        return isNotFound(error) ? done : retry(error);
      }
    }
    return requeueAfter(isUnknown ? unknownResourceMs : resyncMs);
  }

  /** A synced copy of the resource; undefined when the server has none of that name. */
  async #source(resource: GroupResource, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    const name = objectCountName(resource);
    const known = this.#full.get(name) ?? this.#metadata.get(name);
    if (known !== undefined) {
      await known.whenSynced(signal);
      return known;
    }
    const { metadataClient, clock, random, onError } = this.#context;
    const discovery = await discover(metadataClient.transport, signal);
    const found = preferred(discovery.resources).find(
      (r) => r.group === resource.group && r.resource === resource.resource && r.verbs.includes('watch'),
    );
    if (found === undefined || signal.aborted) return undefined;
    let informer = this.#metadata.get(name);
    if (informer === undefined) {
      informer = new Informer<KubeObject>({
        client: metadataClient.resource(found),
        clock,
        random,
        onError: (error) => onError(resourceQuotaController.name, error, name),
      });
      informer.addHandlers({
        onDelete: ({ metadata }) => {
          for (const key of this.#quotasIn(metadata.namespace)) this.#loop.queue.add(key);
        },
      });
      this.#metadata.set(name, informer);
      informer.start();
    }
    await informer.whenSynced(signal);
    return informer;
  }
}
