import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import type { ClusterRole, PolicyRule, Role } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { validateLabelSelector } from '../../common/validate-selector.ts';

export const validateRole = (role: Role): FieldError[] =>
  (role.rules ?? []).flatMap((rule, i) => validateRule(rule, `rules[${i}]`, true));

export function validateClusterRole(role: ClusterRole): FieldError[] {
  const errors = (role.rules ?? []).flatMap((rule, i) => validateRule(rule, `rules[${i}]`, false));
  if (!role.aggregationRule) return errors;
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  const field = 'aggregationRule.clusterRoleSelectors';
  if (selectors.length === 0)
    errors.push(required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  return [...errors, ...selectors.flatMap((selector, i) => validateLabelSelector(selector, `${field}[${i}]`))];
}

function validateRule(rule: PolicyRule, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!rule.verbs?.length) errors.push(required(`${field}.verbs`, 'verbs must contain at least one value'));
  if (rule.nonResourceURLs?.length) {
    const at = `${field}.nonResourceURLs`;
    if (namespaced)
      errors.push(invalid(at, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length)
      errors.push(
        invalid(at, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'),
      );
    return errors;
  }
  if (!rule.apiGroups?.length)
    errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  if (!rule.resources?.length)
    errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}
