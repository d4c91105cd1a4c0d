/** What a claim and a volume say of each other, and the objects as a binding leaves them. Pure. */
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim } from '../../generated/types/core/v1.ts';
import type { DeepReadonly } from '../../../machinery/meta/object.ts';
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';

export type Claim = DeepReadonly<PersistentVolumeClaim>;
export type Volume = DeepReadonly<PersistentVolume>;

export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
export const migratedTo = 'pv.kubernetes.io/migrated-to';
export const selectedNode = 'volume.kubernetes.io/selected-node';
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
/** Where the class stood before it was a field; it wins. */
const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';
/** The size that the claim had before its volume grew. */
export const preResizeCapacity = 'volume.alpha.kubernetes.io/pre-resize-capacity';

export const keyOfClaim = ({ metadata }: Claim): string => `${metadata.namespace}/${metadata.name}`;
export const keyOfReference = ({ namespace, name }: DeepReadonly<ObjectReference>): string => `${namespace}/${name}`;

export const classOf = ({ metadata, spec }: Claim | Volume): string =>
  metadata.annotations?.[betaStorageClass] ?? spec?.storageClassName ?? '';
/** An empty name is a class too: the choice of none. */
export const hasClass = ({ metadata, spec }: Claim): boolean =>
  metadata.annotations?.[betaStorageClass] !== undefined || spec?.storageClassName !== undefined;
export const isBindCompleted = ({ metadata }: Claim): boolean => metadata.annotations?.[bindCompleted] !== undefined;

export const requestOf = ({ spec }: Claim): Quantity => Quantity.parse(spec?.resources?.requests?.['storage'] ?? '0');
export const capacityOf = ({ spec }: Volume): Quantity => Quantity.parse(spec?.capacity?.['storage'] ?? '0');
export const attributesClassOf = ({ spec }: Claim | Volume): string => spec?.volumeAttributesClassName ?? '';
export const haveOneMode = (claim: Claim, volume: Volume): boolean =>
  (claim.spec?.volumeMode ?? 'Filesystem') === (volume.spec?.volumeMode ?? 'Filesystem');
export const hasAccessModes = (claim: Claim, volume: Volume): boolean =>
  (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));

/** The volume names the claim: by name alone (reserved for it), or by its UID too. */
export function isBoundTo(volume: Volume, claim: Claim): boolean {
  const reference = volume.spec?.claimRef;
  if (!reference || keyOfReference(reference) !== keyOfClaim(claim)) return false;
  return !reference.uid || reference.uid === claim.metadata.uid;
}

/** The volume as bound to the claim; undefined when it is already. */
export function boundVolume(volume: Volume, claim: Claim): PersistentVolume | undefined {
  const reserved = isBoundTo(volume, claim);
  if (reserved && volume.spec?.claimRef?.uid === claim.metadata.uid) return undefined;
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  const bound = { ...volume, spec: { ...volume.spec, claimRef } } as PersistentVolume;
  // What a user reserved stays reserved when the claim goes elsewhere.
  return reserved ? bound : annotated(bound, { [boundByController]: 'yes' });
}

/** The claim as bound to the volume; undefined when it is already. */
export function boundClaim(claim: Claim, volume: Volume): PersistentVolumeClaim | undefined {
  const isNamed = claim.spec?.volumeName === volume.metadata.name;
  if (isNamed && isBindCompleted(claim)) return undefined;
  if (isNamed) return annotated(claim as PersistentVolumeClaim, { [bindCompleted]: 'yes' });
  const bound = { ...claim, spec: { ...claim.spec, volumeName: volume.metadata.name } } as PersistentVolumeClaim;
  return annotated(bound, { [boundByController]: 'yes', [bindCompleted]: 'yes' });
}

/** The volume, free again: still reserved where a user had reserved it. */
export function unboundVolume(volume: Volume): PersistentVolume {
  const { [boundByController]: bySelf, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef, ...spec } = volume.spec ?? {};
  if (bySelf === undefined) {
    const { uid: _, ...reserved } = claimRef ?? {};
    return { ...volume, spec: { ...spec, claimRef: reserved } } as PersistentVolume;
  }
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec } as PersistentVolume;
}

/** The claim with the status that it should have; undefined when it has it. `volume`: what it is bound to, if anything. */
export function withStatus(
  claim: Claim,
  phase: 'Pending' | 'Bound' | 'Lost',
  volume?: Volume,
): PersistentVolumeClaim | undefined {
  const before = claim.status ?? {};
  const { accessModes: _, capacity, currentVolumeAttributesClassName: current, ...rest } = before;
  const status: NonNullable<PersistentVolumeClaim['status']> = { ...(rest as typeof before), phase } as never;
  if (volume) {
    status.accessModes = [...(volume.spec?.accessModes ?? [])];
    // Once bound the sizes may differ: a file system that has yet to grow into its device.
    const size = before.phase === phase ? capacity : sizeAtBinding(volume, capacity);
    if (size !== undefined) status.capacity = { ...size };
    const isNew = before.phase === 'Pending' && phase === 'Bound';
    const attributes = isNew ? volume.spec?.volumeAttributesClassName : current;
    if (attributes !== undefined) status.currentVolumeAttributesClassName = attributes;
  }
  return semanticEqual(before, status) ? undefined : { ...(claim as PersistentVolumeClaim), status };
}

function sizeAtBinding(
  volume: Volume,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  const resizing = volume.metadata.annotations?.[preResizeCapacity];
  if (resizing !== undefined && Quantity.tryParse(resizing)) return { ...before, storage: resizing };
  const isSame = before?.['storage'] !== undefined && Quantity.parse(before['storage']).equals(capacityOf(volume));
  return isSame ? before : volume.spec?.capacity;
}

export function annotated<T extends PersistentVolume | PersistentVolumeClaim>(
  object: T,
  annotations: Readonly<Record<string, string>>,
): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}
