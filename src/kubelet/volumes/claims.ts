import type * as core from '../../apis/generated/types/core/v1.ts';
import type { Client } from '../../client/client.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import type { DeepReadonly, GroupVersionResource, KubeObject } from '../../machinery/meta/object.ts';
import type { Pod, Volume } from '../types.ts';

export type PersistentVolume = DeepReadonly<core.PersistentVolume>;

export interface ClaimedVolume {
  readonly claim: DeepReadonly<core.PersistentVolumeClaim>;
  readonly volume: PersistentVolume;
  readonly readonly: boolean;
}

const core1 = (resource: string): GroupVersionResource => ({ group: '', version: 'v1', resource });

/**
 * From a pod's volume to the persistent volume behind its claim. Both are read once, as the pod starts: what they say of
 * the volume's source cannot change while they are bound.
 */
export class VolumeClaims {
  readonly #client: Client;
  /** By UID of the pod, then by the volume's name. */
  readonly #found = new Map<string, Map<string, ClaimedVolume>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Undefined for a volume without a claim. Throws why the claim cannot be used, in upstream's words. */
  async resolve(pod: Pod, volume: Volume): Promise<ClaimedVolume | undefined> {
    const name = claimNameOf(pod, volume);
    if (name === undefined) return undefined;
    const uid = pod.metadata.uid!;
    const known = this.#found.get(uid)?.get(volume.name);
    if (known !== undefined) return known;
    const found = await this.#read(pod, volume, name);
    const ofPod = this.#found.get(uid) ?? new Map<string, ClaimedVolume>();
    ofPod.set(volume.name, found);
    this.#found.set(uid, ofPod);
    return found;
  }

  forget(uid: string): void {
    this.#found.delete(uid);
  }

  async #read(pod: Pod, volume: Volume, name: string): Promise<ClaimedVolume> {
    const { namespace } = pod.metadata;
    const claim = await this.#get<core.PersistentVolumeClaim>('persistentvolumeclaims', name, namespace);
    const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (volume.ephemeral && owner?.uid !== pod.metadata.uid)
      throw new Error(
        `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`,
      );
    if (claim.metadata.deletionTimestamp !== undefined && pod.metadata.deletionTimestamp === undefined)
      throw new Error(`PVC is being deleted`);
    const volumeName = claim.spec?.volumeName ?? '';
    if (claim.status?.phase !== 'Bound' || volumeName === '') throw new Error('PVC is not bound');
    const persistent = await this.#get<core.PersistentVolume>('persistentvolumes', volumeName);
    const reference = persistent.spec?.claimRef;
    if (reference === undefined) throw new Error(`found PV object ${volumeName} with nil pvc.Spec.ClaimRef`);
    if (reference.uid !== claim.metadata.uid)
      throw new Error(
        `found PV object ${volumeName} with unexpected pvc.UID ${reference.uid ?? ''}, expected ${claim.metadata.uid}`,
      );
    return { claim, volume: persistent, readonly: volume.persistentVolumeClaim?.readOnly === true };
  }

  async #get<T extends KubeObject>(resource: string, name: string, namespace?: string): Promise<T> {
    try {
      return await this.#client.resource<T>(core1(resource)).namespace(namespace).get(name);
    } catch (error) {
      const what = resource === 'persistentvolumes' ? 'PV' : 'PVC';
      if (isNotFound(error))
        throw new Error(`failed to fetch ${what} from API server: ${resource} "${name}" not found`);
      throw error;
    }
  }
}

/** The claim that a volume names, or that was made from its template. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  return volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${pod.metadata.name}-${volume.name}`);
}
