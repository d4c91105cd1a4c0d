/** Whether a pod's claims can have their volumes on a node, and which they would get. Pure. */
import { classOf, requestOf } from '../../../apis/core/volume-binding/binding.ts';
import { findVolume } from '../../../apis/core/volume-binding/match.ts';
import { selectorFromObject } from '../../../machinery/selectors/labels.ts';
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type {
  CSIDriver,
  CSIStorageCapacity,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../framework/objects.ts';
import { matchesTerm } from '../node-affinity/node-selector.ts';
import { selectedNode } from '../../../apis/core/volume-binding/binding.ts';

export const noProvisioner = 'kubernetes.io/no-provisioner';

export const reasons = {
  nodeAffinity: "node(s) didn't match PersistentVolume's node affinity",
  noneToBind: "node(s) didn't find available persistent volumes to bind",
  notEnoughSpace: 'node(s) did not have enough free storage',
  volumeGone: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
} as const;

/** A pod's claims, by what there is to do about them. */
export interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Without a volume, of classes that wait for the pod's node. */
  readonly delayed: readonly PersistentVolumeClaim[];
  /** Volumes that these may get, by class. */
  readonly volumesOfClass: ReadonlyMap<string, readonly PersistentVolume[]>;
}

export interface ClaimAndVolume {
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
}

/** What has to be done before the pod can be on the node. */
export interface PodVolumes {
  readonly bindings: readonly ClaimAndVolume[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

export interface StorageState {
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  driver(name: string): CSIDriver | undefined;
  capacities(): readonly CSIStorageCapacity[];
}

/** Either what has to be done, or why the node will not do. Throws for a claim whose class is not there. */
export function findPodVolumes(claims: PodClaims, node: Node, state: StorageState): PodVolumes | readonly string[] {
  const refused: string[] = [];
  const atBound = checkBound(claims.bound, node, state);
  if (atBound === reasons.nodeAffinity) refused.push(atBound);
  const [elsewhere, here, open] = byChosenNode(claims.delayed, node.metadata.name!);
  if (elsewhere.length > 0) {
    refused.push(reasons.noneToBind);
    if (atBound === reasons.volumeGone) refused.push(atBound);
    return refused;
  }
  const { bindings, unmatched } = matchVolumes(open, claims.volumesOfClass, node);
  const provisions = [...here, ...unmatched];
  const cannot = checkProvisions(provisions, node, state);
  if (cannot !== undefined) refused.push(cannot);
  if (atBound === reasons.volumeGone) refused.push(atBound);
  return refused.length > 0 ? refused : { bindings, provisions };
}

export function isReachable({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec?.nodeAffinity?.required;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function checkBound(claims: readonly PersistentVolumeClaim[], node: Node, state: StorageState): string | undefined {
  for (const claim of claims) {
    const volume = state.volume(claim.spec?.volumeName ?? '');
    if (volume === undefined) return reasons.volumeGone;
    if (!isReachable(volume, node)) return reasons.nodeAffinity;
  }
  return undefined;
}

/** Claims that an earlier attempt has given to another node's provisioner, to this one's, and the rest. */
function byChosenNode(claims: readonly PersistentVolumeClaim[], nodeName: string) {
  const parts: [PersistentVolumeClaim[], PersistentVolumeClaim[], PersistentVolumeClaim[]] = [[], [], []];
  for (const claim of claims) {
    const chosen = claim.metadata.annotations?.[selectedNode];
    parts[chosen === undefined ? 2 : chosen === nodeName ? 1 : 0].push(claim);
  }
  return parts;
}

/** The smallest claims choose first, so that they leave the large volumes to those that need them. */
function matchVolumes(
  claims: readonly PersistentVolumeClaim[],
  volumesOfClass: PodClaims['volumesOfClass'],
  node: Node,
): { readonly bindings: readonly ClaimAndVolume[]; readonly unmatched: readonly PersistentVolumeClaim[] } {
  const bindings: ClaimAndVolume[] = [];
  const unmatched: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  for (const claim of [...claims].sort((a, b) => requestOf(a).compare(requestOf(b)))) {
    const volumes = volumesOfClass.get(classOf(claim)) ?? [];
    const volume = findVolume(claim, volumes, true, { taken, isReachable: (v) => isReachable(v, node) });
    if (volume === undefined) unmatched.push(claim);
    else {
      taken.add(volume.metadata.name!);
      bindings.push({ claim, volume });
    }
  }
  return { bindings, unmatched };
}

function checkProvisions(
  claims: readonly PersistentVolumeClaim[],
  node: Node,
  state: StorageState,
): string | undefined {
  for (const claim of claims) {
    const className = classOf(claim);
    const storageClass = state.storageClass(className);
    if (storageClass === undefined)
      throw new Error(
        className === ''
          ? `no class for claim "${claim.metadata.namespace}/${claim.metadata.name}"`
          : `failed to find storage class ${JSON.stringify(className)}`,
      );
    const { provisioner } = storageClass;
    if (provisioner === '' || provisioner === noProvisioner || !isAllowed(storageClass, node))
      return reasons.noneToBind;
    if (!hasCapacity(claim, storageClass, node, state)) return reasons.notEnoughSpace;
  }
  return undefined;
}

/** Any of the class's topology terms will do; no terms allow every node. */
function isAllowed({ allowedTopologies }: StorageClass, { metadata }: Node): boolean {
  if (!allowedTopologies?.length) return true;
  return allowedTopologies.some(({ matchLabelExpressions: all }) =>
    (all ?? []).every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
  );
}

/** Only drivers that publish what room they have are asked for it. */
function hasCapacity(
  claim: PersistentVolumeClaim,
  { metadata, provisioner }: StorageClass,
  node: Node,
  state: StorageState,
) {
  if (claim.spec?.resources?.requests?.['storage'] === undefined) return true;
  if (state.driver(provisioner)?.spec.storageCapacity !== true) return true;
  const wanted = requestOf(claim);
  return state.capacities().some((capacity) => {
    const limit = volumeLimit(capacity);
    if (capacity.storageClassName !== metadata.name || limit === undefined || limit.compare(wanted) < 0) return false;
    return (
      capacity.nodeTopology !== undefined && selectorFromObject(capacity.nodeTopology).matches(node.metadata.labels)
    );
  });
}

/** The largest volume that can be made there. */
export function volumeLimit({ maximumVolumeSize, capacity }: CSIStorageCapacity): Quantity | undefined {
  const text = maximumVolumeSize ?? capacity;
  return text === undefined ? undefined : Quantity.parse(text);
}
