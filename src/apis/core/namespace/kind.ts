import { nameIsDnsLabel } from '../../../machinery/validation/formats.ts';
import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { carryOver, statusStrategy } from '../../common/strategies.ts';
import type { Namespace } from '../../generated/types/core/v1.ts';
import type { Strategy } from '../../kind.ts';

/** Carries the namespace's own name, so that selectors of namespaces can name one. */
export const nameLabel = 'kubernetes.io/metadata.name';
/** Held until all that is in the namespace is gone. */
const finalizer = 'kubernetes';

function labelWithName(namespace: Namespace): void {
  if (!namespace.metadata.name) return;
  namespace.metadata.labels ??= {};
  namespace.metadata.labels[nameLabel] = namespace.metadata.name;
}

const strategy: Strategy<Namespace> = {
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' };
    namespace.spec ??= {};
    namespace.spec.finalizers ??= [];
    if (!namespace.spec.finalizers.includes(finalizer)) namespace.spec.finalizers.push(finalizer);
  },
  prepareForUpdate(namespace, old) {
    namespace.spec ??= {};
    if (old.spec?.finalizers) namespace.spec.finalizers = old.spec.finalizers;
    else delete namespace.spec.finalizers;
    carryOver(namespace, old, 'status');
  },
  // A generated name is known only now.
  canonicalize: labelWithName,
};

const status = statusStrategy<Namespace>({
  validateUpdate(namespace): readonly FieldError[] {
    const phase = namespace.status?.phase ?? '';
    const deleting = Boolean(namespace.metadata.deletionTimestamp);
    if (deleting && phase !== 'Terminating')
      return [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
    if (!deleting && phase !== 'Active')
      return [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    return [];
  },
});

/** The one way to change spec.finalizers. */
const finalize: Strategy<Namespace> = {
  prepareForUpdate(namespace, old) {
    carryOver(namespace, old, 'status');
  },
};

export const namespace = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  applyDefaults: labelWithName,
  strategy,
  subresources: { status, finalize },
  validateName: nameIsDnsLabel,
  selectableFields: { 'status.phase': (n) => n.status?.phase ?? '' },
  columns: [
    nameColumn,
    column<Namespace>('Status', (n) => n.status?.phase ?? '', { description: 'Active, or Terminating while it goes.' }),
    ageColumn,
  ],
});
