import { specStrategy } from '../../common/strategies.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { type FieldError, forbidden } from '../../../machinery/validation/field-error.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PriorityClass } from '../../generated/types/scheduling.k8s.io/v1.ts';

/** Above it are the system's own. */
const highestUserPriority = 1_000_000_000;
const systemValues: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

function validate(object: PriorityClass): FieldError[] {
  const name = object.metadata.name ?? '';
  const value = object.value ?? 0;
  if (name.startsWith('system-')) {
    if (systemValues[name] === value) return [];
    return [
      forbidden(
        'metadata.name',
        "priority class names with 'system-' prefix are reserved for system use only. error: " + unknownSystem(name),
      ),
    ];
  }
  return value > highestUserPriority
    ? [forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`)]
    : [];
}

const unknownSystem = (name: string) =>
  systemValues[name] === undefined
    ? `${name} is not a known system priority class`
    : `value of ${name} PriorityClass must be ${systemValues[name]}`;

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  strategy: specStrategy<PriorityClass>(
    { generationFields: [] },
    {
      validate,
      validateUpdate: (object, old) => [
        ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
        ...validateImmutable(object.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'),
      ],
    },
  ),
  columns: [
    nameColumn,
    column<PriorityClass>('Value', (c) => c.value ?? 0, { type: 'integer', description: 'Its priority.' }),
    column<PriorityClass>('Global-Default', (c) => c.globalDefault ?? false, {
      type: 'boolean',
      description: 'Whether pods get it that name none.',
    }),
    ageColumn,
    column<PriorityClass>('PreemptionPolicy', (c) => c.preemptionPolicy ?? '', {
      description: 'Whether its pods drive others out.',
    }),
  ],
});
