import { forbidden, invalid, required, type FieldError } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import type { CustomResourceDefinition } from '../../generated/types/apiextensions.k8s.io/v1.ts';

function validate(definition: CustomResourceDefinition): FieldError[] {
  const { spec } = definition;
  if (!spec) return [required('spec')];
  const errors: FieldError[] = [];
  const name = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (definition.metadata.name !== name)
    errors.push(invalid('metadata.name', definition.metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'));
  const versions = spec.versions ?? [];
  const stored = versions.filter((version) => version.storage).length;
  if (stored !== 1)
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  for (const [i, version] of versions.entries())
    if (!version.schema?.openAPIV3Schema)
      errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'));
  if (spec.preserveUnknownFields === true)
    errors.push(
      invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  if (spec.conversion?.strategy === 'None' && spec.conversion.webhook)
    errors.push(forbidden('spec.conversion.webhook', 'should not be set when strategy is not set to Webhook'));
  return errors;
}

/** What may lie in the store in a version is known by it, until somebody has migrated it. */
function noteStorageVersion({ spec, status }: CustomResourceDefinition): void {
  const stored = spec?.versions?.find((version) => version.storage)?.name;
  if (!stored || !status || status.storedVersions?.includes(stored)) return;
  status.storedVersions = [...(status.storedVersions ?? []), stored];
}

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  strategy: specStrategy<CustomResourceDefinition>(
    {
      initialStatus: () => ({ acceptedNames: { plural: '', kind: '' }, conditions: [], storedVersions: [] }),
      generationFields: ['spec'],
    },
    {
      prepareForCreate: noteStorageVersion,
      prepareForUpdate: noteStorageVersion,
      validate,
      validateUpdate: (object, old) => [
        ...validate(object),
        ...validateImmutable(object.spec?.group, old.spec?.group, 'spec.group'),
        ...validateImmutable(object.spec?.scope, old.spec?.scope, 'spec.scope'),
      ],
    },
  ),
  subresources: { status: statusStrategy<CustomResourceDefinition>() },
  columns: defaultColumns,
});
