import { Quantity } from '../../../machinery/quantity/quantity.ts';
import { changedFields, formOf } from '../../../machinery/validation/checks.ts';
import { type FieldError, forbidden, invalid, required } from '../../../machinery/validation/field-error.ts';
import { isDns1123Subdomain } from '../../../machinery/validation/formats.ts';
import { validateLabelSelector } from '../../common/validate-selector.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types/core/v1.ts';
import { classAnnotation, validateAccessModes } from '../persistentvolume/access-modes.ts';

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.accessModes?.length) errors.push(required(`${field}.accessModes`, 'at least 1 access mode is required'));
  errors.push(
    ...validateLabelSelector(spec.selector, `${field}.selector`),
    ...validateAccessModes(spec.accessModes ?? [], `${field}.accessModes`),
  );
  const storage = spec.resources?.requests?.['storage'];
  const at = `${field}.resources[storage]`;
  if (storage === undefined) errors.push(required(at));
  else if ((Quantity.tryParse(storage)?.sign ?? 0) <= 0) errors.push(invalid(at, storage, 'must be greater than zero'));
  return [
    ...errors,
    ...formOf(spec.storageClassName, isDns1123Subdomain, `${field}.storageClassName`),
    ...formOf(spec.volumeAttributesClassName, isDns1123Subdomain, `${field}.volumeAttributesClassName`),
  ];
}

export const validateClaim = (claim: PersistentVolumeClaim): FieldError[] =>
  validateClaimSpec(claim.spec ?? {}, 'spec');

/** What was asked for stays, but for the volume that comes, a size that grows, and the class of attributes. */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const spec = claim.spec ?? {};
  const before = old.spec ?? {};
  const mutable = new Set(['volumeAttributesClassName', ...(before.volumeName ? [] : ['volumeName'])]);
  const sizes = [spec, before].map(
    (s) => Quantity.tryParse(s.resources?.requests?.['storage'] ?? '0') ?? Quantity.zero,
  );
  const bound = old.status?.phase === 'Bound';
  if (bound) mutable.add('resources');
  if (isFirstClass(claim, old)) mutable.add('storageClassName');
  const errors = validateClaim(claim);
  if (changedFields(spec, before).some((field) => !mutable.has(field)))
    errors.push(
      forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    );
  if (bound && sizes[0]!.compare(sizes[1]!) < 0)
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than previous value'));
  return errors;
}

/** A claim made when there was no default class gets one later; one with the older annotation only that same one. */
function isFirstClass(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const name = claim.spec?.storageClassName;
  const annotated = old.metadata.annotations?.[classAnnotation];
  return name !== undefined && old.spec?.storageClassName === undefined && (annotated ?? name) === name;
}
