import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import type { CustomResourceDefinition } from '../../generated/types/apiextensions.k8s.io/v1.ts';
import { validateDefinition, validateDefinitionUpdate } from './validation.ts';

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
      validate: (definition) => validateDefinition(definition, undefined),
      validateUpdate: validateDefinitionUpdate,
    },
  ),
  subresources: { status: statusStrategy<CustomResourceDefinition>() },
  columns: defaultColumns,
});
