import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ControllerRevision } from '../../generated/types/apps/v1.ts';

function controllerText(object: ControllerRevision): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (!owner) return none;
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  strategy: {
    validateUpdate: (object, old) => validateImmutable(object.data, old.data, 'data'),
  },
  columns: [
    nameColumn,
    column<ControllerRevision>('Controller', controllerText, { description: 'Whose revision it is.' }),
    column<ControllerRevision>('Revision', (r) => r.revision, { description: 'Its number.' }),
    ageColumn,
  ],
});
