import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ipFamilyOf } from '../../../machinery/net/ip.ts';
import { column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { IPAddress } from '../../generated/types/networking.k8s.io/v1.ts';

function parentText(object: IPAddress): string {
  const parent = object.spec?.parentRef;
  if (!parent) return none;
  const resource = `${parent.resource}${parent.group ? `.${parent.group}` : ''}`.toLowerCase();
  return [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name].join('/');
}

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  validateName: (name) => (ipFamilyOf(name) === undefined ? ['must be a valid IP address'] : []),
  strategy: {
    validateUpdate: (object, old) => validateImmutable(object.spec?.parentRef, old.spec?.parentRef, 'spec.parentRef'),
  },
  columns: [nameColumn, column<IPAddress>('ParentRef', parentText, { description: 'Who holds it.' })],
});
