/** What both kinds of bindings share. */
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import type { RoleBinding } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import type { Column } from '../../kind.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

export function defaultBinding(binding: RoleBinding): void {
  for (const subject of binding.subjects ?? [])
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
}

function subjects(binding: RoleBinding, kind: string): string {
  return (binding.subjects ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name}` : s.name))
    .join(', ');
}

const wide = true;

export const bindingColumns: readonly Column<RoleBinding>[] = [
  nameColumn,
  column<RoleBinding>('Role', (b) => `${b.roleRef.kind}/${b.roleRef.name}`, { description: 'What it grants.' }),
  ageColumn,
  column<RoleBinding>('Users', (b) => subjects(b, 'User'), { wide, description: 'Users it grants that to.' }),
  column<RoleBinding>('Groups', (b) => subjects(b, 'Group'), { wide, description: 'Groups it grants that to.' }),
  column<RoleBinding>('ServiceAccounts', (b) => subjects(b, 'ServiceAccount'), {
    wide,
    description: 'ServiceAccounts it grants that to.',
  }),
];
