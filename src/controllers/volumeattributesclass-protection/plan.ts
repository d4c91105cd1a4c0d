/** Which classes of volume attributes are in use. Pure. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

/** What the claim asks for, what it has, and what it is on the way to. */
export function classesOfClaim({ spec, status }: DeepReadonly<PersistentVolumeClaim>): readonly string[] {
  return distinct([
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]);
}

export function classesOfVolume({ spec }: DeepReadonly<PersistentVolume>): readonly string[] {
  return distinct([spec?.volumeAttributesClassName]);
}

const distinct = (names: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(names.filter((name): name is string => !!name)),
];
