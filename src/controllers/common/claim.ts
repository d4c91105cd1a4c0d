/**
 * Who owns what by selector: a controller adopts orphans that match and releases what matches no longer.
 *
 * Both are patches that carry the object's UID, so that they can never hit another object of the same name. Before the
 * first adoption the owner is read again, live: a cached owner may already be deleted.
 */
import type { ResourceClient } from '../../client/client.ts';
import type { DeepReadonly, KubeObject, OwnerReference } from '../../machinery/meta/object.ts';
import type { LabelSelector } from '../../machinery/selectors/labels.ts';
import { isInvalid, isNotFound } from '../../machinery/status/is.ts';
import { controllerOf } from './controller-ref.ts';

export interface Claim<T extends KubeObject> {
  readonly owner: DeepReadonly<KubeObject>;
  readonly reference: OwnerReference;
  readonly selector: LabelSelector;
  /** Those of the owner's namespace that it controls, and orphans. */
  readonly candidates: readonly DeepReadonly<T>[];
  readonly client: ResourceClient<T>;
  /** Reads the owner live. */
  readonly readOwner: () => Promise<KubeObject>;
  /** Further conditions on what may be adopted. */
  readonly mayAdopt?: (object: DeepReadonly<T>) => boolean;
}

export type ClaimDecision = 'claimed' | 'adopt' | 'release' | 'ignore';

/** What an owner does about one candidate; pure. */
export function decideClaim(
  object: DeepReadonly<KubeObject>,
  owner: DeepReadonly<KubeObject>,
  matches: boolean,
): ClaimDecision {
  const controller = controllerOf(object);
  if (controller) {
    if (controller.uid !== owner.metadata.uid) return 'ignore';
    if (matches) return 'claimed';
    return owner.metadata.deletionTimestamp ? 'ignore' : 'release';
  }
  if (owner.metadata.deletionTimestamp || !matches || object.metadata.deletionTimestamp) return 'ignore';
  return 'adopt';
}

/** The candidates that the owner controls once this is done. Rejects with the first failure, after trying all. */
export async function claimAll<T extends KubeObject>(claim: Claim<T>): Promise<DeepReadonly<T>[]> {
  const { owner, selector, candidates, client } = claim;
  const claimed: DeepReadonly<T>[] = [];
  const errors: unknown[] = [];
  let mayAdopt: Promise<void> | undefined;
  for (const object of candidates) {
    const decision = decideClaim(object, owner, selector.matches(object.metadata.labels));
    if (decision === 'claimed') claimed.push(object);
    if (decision !== 'adopt' && decision !== 'release') continue;
    if (decision === 'adopt' && claim.mayAdopt && !claim.mayAdopt(object)) continue;
    const { name = '', uid, namespace } = object.metadata;
    try {
      if (decision === 'adopt') {
        await (mayAdopt ??= checkOwner(claim));
        const patch = { metadata: { ownerReferences: [claim.reference], uid } };
        await client.namespace(namespace).patch(name, 'strategic', patch);
        claimed.push(object);
      } else {
        const patch = { metadata: { ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }], uid } };
        await client.namespace(namespace).patch(name, 'strategic', patch);
      }
    } catch (error) {
      // Gone, or (422) it has another UID or no longer this owner: nothing is left to do.
      if (isNotFound(error) || (decision === 'release' && isInvalid(error))) continue;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return claimed;
}

async function checkOwner<T extends KubeObject>({ owner, readOwner }: Claim<T>): Promise<void> {
  const fresh = await readOwner();
  const { namespace, name, uid } = owner.metadata;
  if (fresh.metadata.uid !== uid)
    throw new Error(`adopting for ${namespace}/${name}: it is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`);
  if (fresh.metadata.deletionTimestamp)
    throw new Error(`adopting for ${namespace}/${name}: it was just deleted at ${fresh.metadata.deletionTimestamp}`);
}
