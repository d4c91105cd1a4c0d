/** Which volume a claim gets, and why it cannot have one that it asks for. Pure. */
import { type LabelSelector, selectorFromObject } from '../../../machinery/selectors/labels.ts';
import {
  attributesClassOf,
  capacityOf,
  type Claim,
  classOf,
  hasAccessModes,
  haveOneMode,
  isBoundTo,
  requestOf,
  type Volume,
} from './binding.ts';

/** Which node the volume is wanted on, for the scheduler's choice. */
export interface OnNode {
  /** Whether the volume can be reached from the node. */
  isReachable(volume: Volume): boolean;
  /** Names of volumes that other claims of the pod get. */
  readonly taken: ReadonlySet<string>;
}

/**
 * One that is reserved for the claim; else, unless the scheduler is to choose (`delayed`), of those with the fewest access
 * modes the smallest that is large enough. Of equals the first by name. `onNode`: the scheduler chooses, for one node; a
 * volume that is reserved for the claim but cannot be reached from there means that there is none.
 */
export function findVolume(
  claim: Claim,
  volumes: readonly Volume[],
  delayed: boolean,
  onNode?: OnNode,
): Volume | undefined {
  const selector = claim.spec?.selector === undefined ? undefined : selectorFromObject(claim.spec.selector);
  let best: Volume | undefined;
  for (const volume of volumes) {
    if (onNode?.taken.has(volume.metadata.name ?? '') || !couldHold(claim, volume)) continue;
    if (isBoundTo(volume, claim)) return onNode === undefined || onNode.isReachable(volume) ? volume : undefined;
    if ((delayed && onNode === undefined) || !isFree(claim, volume, selector)) continue;
    if (onNode !== undefined && !onNode.isReachable(volume)) continue;
    if (best === undefined || compare(volume, best, onNode === undefined) < 0) best = volume;
  }
  return best;
}

function couldHold(claim: Claim, volume: Volume): boolean {
  if (volume.spec?.claimRef && !isBoundTo(volume, claim)) return false;
  return (
    volume.metadata.deletionTimestamp === undefined &&
    haveOneMode(claim, volume) &&
    hasAccessModes(claim, volume) &&
    attributesClassOf(claim) === attributesClassOf(volume) &&
    capacityOf(volume).compare(requestOf(claim)) >= 0
  );
}

const isFree = (claim: Claim, volume: Volume, selector: LabelSelector | undefined): boolean =>
  volume.status?.phase === 'Available' &&
  classOf(volume) === classOf(claim) &&
  (selector === undefined || selector.matches(volume.metadata.labels));

function compare(a: Volume, b: Volume, byModes: boolean): number {
  const modes = !byModes ? 0 : (a.spec?.accessModes?.length ?? 0) - (b.spec?.accessModes?.length ?? 0);
  if (modes !== 0) return modes;
  const size = capacityOf(a).compare(capacityOf(b));
  if (size !== 0) return size;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

/** In upstream's words; undefined when the volume will do. */
export function mismatchOf(volume: Volume, claim: Claim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined)
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (capacityOf(volume).compare(requestOf(claim)) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if (attributesClassOf(volume) !== attributesClassOf(claim)) return 'volumeAttributesClassName does not match';
  if (!haveOneMode(claim, volume)) return 'incompatible volumeMode';
  if (!hasAccessModes(claim, volume)) return 'incompatible accessMode';
  return undefined;
}
