import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import {
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../machinery/validation/field-error.ts';
import { isDns1123Subdomain, isPathSegmentName } from '../../../machinery/validation/formats.ts';
import type { RoleBinding, Subject } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

/** A ClusterRoleBinding (`namespaced` false) grants ClusterRoles only. */
export function validateBinding(binding: RoleBinding, namespaced: boolean): FieldError[] {
  const roleRef = binding.roleRef ?? { apiGroup: '', kind: '', name: '' };
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup]));
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported('roleRef.kind', roleRef.kind, kinds));
  if (!roleRef.name) errors.push(required('roleRef.name'));
  else errors.push(...isPathSegmentName(roleRef.name).map((message) => invalid('roleRef.name', roleRef.name, message)));
  return [...errors, ...(binding.subjects ?? []).flatMap((s, i) => validateSubject(s, namespaced, `subjects[${i}]`))];
}

function validateSubject(subject: Subject, namespaced: boolean, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!subject.name) errors.push(required(`${field}.name`));
  const group = subject.apiGroup ?? '';
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name)
        errors.push(
          ...isDns1123Subdomain(subject.name).map((message) => invalid(`${field}.name`, subject.name, message)),
        );
      if (group !== '') errors.push(notSupported(`${field}.apiGroup`, group, ['']));
      if (!namespaced && !subject.namespace) errors.push(required(`${field}.namespace`));
      break;
    case 'User':
    case 'Group':
      if (group !== rbacGroup) errors.push(notSupported(`${field}.apiGroup`, group, [rbacGroup]));
      if (subject.namespace && !namespaced)
        errors.push(forbidden(`${field}.namespace`, 'may not be set for User and Group subjects'));
      break;
    default:
      errors.push(notSupported(`${field}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']));
  }
  return errors;
}

/** As upstream shows it. */
const shown = ({ apiGroup, kind, name }: RoleBinding['roleRef']) => ({ APIGroup: apiGroup, Kind: kind, Name: name });

/** What is granted does not change under those it is granted to: make another binding. */
export const validateBindingUpdate = (binding: RoleBinding, old: RoleBinding, namespaced: boolean): FieldError[] => [
  ...validateBinding(binding, namespaced),
  ...(semanticEqual(binding.roleRef, old.roleRef)
    ? []
    : [invalid('roleRef', shown(binding.roleRef), 'cannot change roleRef')]),
];
