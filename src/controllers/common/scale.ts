/** How many pods a controller is to keep, whatever kind it is: of built-in kinds from informers, else by its `scale`. */
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { Client } from '../../client/client.ts';
import { discover, type DiscoveredResource } from '../../client/discovery.ts';
import type { Informer } from '../../client/informer.ts';
import {
  type DeepReadonly,
  groupVersionText,
  type KubeObject,
  type OwnerReference,
} from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { controllerOf, refersTo } from './controller-ref.ts';
import type { KeyedController } from './keyed-controller.ts';
import { deployments, replicaSets, replicationControllers, statefulSets } from './resources.ts';

type Scaled = KubeObject & { readonly spec?: { readonly replicas?: number } };

export class Scales {
  readonly #client: Client;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #deployments: Informer<Deployment>;
  readonly #others: readonly { readonly group: string; readonly kind: string; readonly informer: Informer<Scaled> }[];
  #resources: readonly DiscoveredResource[] = [];

  constructor(client: Client, controller: KeyedController) {
    this.#client = client;
    this.#replicaSets = controller.uses<ReplicaSet>(replicaSets);
    this.#deployments = controller.uses<Deployment>(deployments);
    this.#others = [
      { group: '', kind: 'ReplicationController', informer: controller.uses<Scaled>(replicationControllers) },
      { group: 'apps', kind: 'StatefulSet', informer: controller.uses<Scaled>(statefulSets) },
    ];
  }

  /**
   * The controller that answers for the pods of `reference` (a ReplicaSet's is its Deployment), and its replicas.
   * Undefined: it is gone, or of a kind that cannot be scaled.
   */
  async of(
    reference: DeepReadonly<OwnerReference>,
    namespace: string,
  ): Promise<{ readonly uid: string; readonly replicas: number } | undefined> {
    const key = `${namespace}/${reference.name}`;
    if (refersTo(reference, 'apps', 'ReplicaSet')) {
      const rs = this.#replicaSets.get(key);
      if (rs?.metadata.uid !== reference.uid) return undefined;
      const owner = controllerOf(rs);
      if (owner === undefined || !refersTo(owner, 'apps', 'Deployment'))
        return { uid: reference.uid, replicas: rs.spec?.replicas ?? 1 };
      const deployment = this.#deployments.get(`${namespace}/${owner.name}`);
      if (deployment?.metadata.uid !== owner.uid) return undefined;
      return { uid: owner.uid, replicas: deployment.spec?.replicas ?? 1 };
    }
    for (const { group, kind, informer } of this.#others) {
      if (!refersTo(reference, group, kind)) continue;
      const object = informer.get(key);
      return object?.metadata.uid === reference.uid
        ? { uid: reference.uid, replicas: object.spec?.replicas ?? 1 }
        : undefined;
    }
    return this.#byScale(reference, namespace);
  }

  async #byScale(reference: DeepReadonly<OwnerReference>, namespace: string) {
    const resource = await this.#resourceOf(reference);
    if (resource === undefined) return undefined;
    try {
      const scale = (await this.#client
        .resource(resource)
        .namespace(namespace)
        .get(reference.name, { subresource: 'scale' })) as Scaled;
      return scale.metadata.uid === reference.uid
        ? { uid: reference.uid, replicas: scale.spec?.replicas ?? 0 }
        : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new Error(
        `${resource.resource}${resource.group === '' ? '' : `.${resource.group}`} does not implement the scale subresource`,
        { cause: error },
      );
    }
  }

  async #resourceOf({ apiVersion, kind }: DeepReadonly<OwnerReference>): Promise<DiscoveredResource | undefined> {
    const find = () => this.#resources.find((r) => r.kind === kind && groupVersionText(r) === apiVersion);
    const known = find();
    if (known !== undefined) return known;
    this.#resources = (await discover(this.#client.transport)).resources;
    return find();
  }
}
