/** What the local-path provisioner of a node makes and removes. Pure. */
import {
  annotated,
  type Claim,
  classOf,
  provisionedBy,
  requestOf,
  selectedNode,
  storageProvisioner,
  type Volume,
} from '../../apis/core/volume-binding/binding.ts';
import type { PersistentVolume } from '../../apis/generated/types/core/v1.ts';
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export const localPathProvisioner = 'skiff/local-path';

/** Holds a volume until its directory is gone, also when the volume is deleted by hand. */
export const finalizer = 'external-provisioner.volume.kubernetes.io/finalizer';

export interface LocalPathNode {
  /** Its label `kubernetes.io/hostname` too: nodes of ours are labelled so. */
  readonly name: string;
  /** The directory that has one directory for each volume. */
  readonly root: string;
}

export type ClaimPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'make'; readonly path: string; readonly volume: PersistentVolume }
  | { readonly kind: 'refuse'; readonly why: string };

/** `storageClass`: the one that the claim names. */
export function planClaim(
  claim: Claim,
  storageClass: DeepReadonly<StorageClass> | undefined,
  node: LocalPathNode,
): ClaimPlan {
  const { annotations = {}, deletionTimestamp } = claim.metadata;
  const isOurs = annotations[storageProvisioner] === localPathProvisioner && annotations[selectedNode] === node.name;
  if (!isOurs || claim.spec?.volumeName || deletionTimestamp !== undefined) return { kind: 'nothing' };
  if (storageClass?.provisioner !== localPathProvisioner) return { kind: 'nothing' };
  const refused = whyRefused(claim);
  if (refused !== undefined) return { kind: 'refuse', why: refused };
  const path = pathOf(claim, node);
  return { kind: 'make', path, volume: volumeFor(claim, storageClass, node, path) };
}

const singleNodeModes = new Set(['ReadWriteOnce', 'ReadWriteOncePod']);

/** A directory is on one node, is no device and has no labels. */
function whyRefused({ spec }: Claim): string | undefined {
  const other = spec?.accessModes?.find((mode) => !singleNodeModes.has(mode));
  if (other !== undefined)
    return `access mode ${other} is not possible with a directory of one node; use ReadWriteOnce or ReadWriteOncePod`;
  if (spec?.volumeMode === 'Block') return 'volume mode Block is not possible with a directory; use Filesystem';
  if (spec?.selector !== undefined) return 'claim.spec.selector is not supported: volumes are made, not chosen';
  if (spec?.dataSource !== undefined || spec?.dataSourceRef !== undefined)
    return 'claim.spec.dataSource is not supported: a new volume is an empty directory';
  return undefined;
}

const nameOf = ({ metadata }: Claim): string => `pvc-${metadata.uid}`;

function pathOf(claim: Claim, node: LocalPathNode): string {
  return `${node.root}/${nameOf(claim)}_${claim.metadata.namespace}_${claim.metadata.name}`;
}

function volumeFor(
  claim: Claim,
  storageClass: DeepReadonly<StorageClass>,
  node: LocalPathNode,
  path: string,
): PersistentVolume {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const expression = { key: 'kubernetes.io/hostname', operator: 'In', values: [node.name] };
  const volume: PersistentVolume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: nameOf(claim), finalizers: [finalizer] },
    spec: {
      accessModes: [...(claim.spec?.accessModes ?? [])],
      capacity: { storage: requestOf(claim).toString() },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion } as never,
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: classOf(claim),
      volumeMode: 'Filesystem',
      ...(claim.spec?.volumeAttributesClassName === undefined
        ? {}
        : { volumeAttributesClassName: claim.spec.volumeAttributesClassName }),
    },
  };
  return annotated(volume, { [provisionedBy]: localPathProvisioner });
}

export type VolumePlan =
  | { readonly kind: 'nothing' }
  /** Its directory goes, then the volume itself. */
  | { readonly kind: 'remove'; readonly path: string }
  /** The volume goes, its directory stays: it is retained. */
  | { readonly kind: 'letGo' }
  | { readonly kind: 'refuse'; readonly why: string };

/** Volumes that the provisioner of this very node has made. */
export function planVolume(volume: Volume, node: LocalPathNode): VolumePlan {
  const { annotations, finalizers, deletionTimestamp } = volume.metadata;
  const path = volume.spec?.local?.path;
  if (annotations?.[provisionedBy] !== localPathProvisioner || path === undefined || hostnameOf(volume) !== node.name)
    return { kind: 'nothing' };
  const isGoing = deletionTimestamp !== undefined;
  if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete')
    return isGoing && finalizers?.includes(finalizer) ? { kind: 'letGo' } : { kind: 'nothing' };
  const isFree = volume.status?.phase === 'Released' || volume.status?.phase === 'Failed';
  // One that nobody was ever bound to can be deleted by hand too.
  const isUnused = isGoing && volume.status?.phase !== 'Bound';
  if (!isFree && !isUnused) return { kind: 'nothing' };
  if (isGoing && !finalizers?.includes(finalizer)) return { kind: 'nothing' };
  const name = path.startsWith(`${node.root}/`) ? path.slice(node.root.length + 1) : '';
  if (name === '' || name.includes('/') || name === '.' || name === '..')
    return { kind: 'refuse', why: `removing ${path}: not a directory of this provisioner, those are in ${node.root}` };
  return { kind: 'remove', path };
}

/** The node that a volume is pinned to; '' for one of another make. */
export function hostnameOf(volume: Volume): string {
  const [term] = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return term?.matchExpressions?.find(({ key }) => key === 'kubernetes.io/hostname')?.values?.[0] ?? '';
}
