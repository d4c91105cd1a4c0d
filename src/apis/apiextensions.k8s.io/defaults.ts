/** Conditional defaults of apiextensions.k8s.io. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { CustomResourceDefinition } from '../generated/types/apiextensions.k8s.io/v1.ts';

function defaultDefinition(definition: CustomResourceDefinition): void {
  const { names, versions } = definition.spec;
  names.singular ||= names.kind.toLowerCase();
  names.listKind ||= names.kind === '' ? '' : `${names.kind}List`;
  definition.status ??= { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] };
  if ((definition.status.storedVersions ?? []).length === 0)
    definition.status.storedVersions = versions.filter((version) => version.storage).map((version) => version.name);
}

export const apiextensionsDefaulters: TypeDefaulters = {
  'apiextensions.k8s.io/v1/CustomResourceDefinition': defaultDefinition,
};
