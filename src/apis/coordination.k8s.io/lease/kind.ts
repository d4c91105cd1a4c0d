import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Lease } from '../../generated/types/coordination.k8s.io/v1.ts';

function validate(object: Lease): FieldError[] {
  const { leaseDurationSeconds, leaseTransitions } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0)
    errors.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  if (leaseTransitions !== undefined && leaseTransitions < 0)
    errors.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  return errors;
}

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  durability: 'relaxed',
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false, validate, validateUpdate: validate },
  columns: [
    nameColumn,
    column<Lease>('Holder', (l) => l.spec?.holderIdentity ?? '', { description: 'Who holds it.' }),
    ageColumn,
  ],
});
