/** The rules of an aggregated ClusterRole: those of all ClusterRoles that its selectors match. Pure. */
import type { ClusterRole, PolicyRule } from '../../apis/generated/types/rbac.authorization.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';

/** In order of the selectors, then of names; each rule once. Undefined: the role has them already, or aggregates not. */
export function planAggregation(
  role: DeepReadonly<ClusterRole>,
  roles: readonly DeepReadonly<ClusterRole>[],
): DeepReadonly<PolicyRule>[] | undefined {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (!selectors) return undefined;
  const byName = [...roles].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const rules: DeepReadonly<PolicyRule>[] = [];
  for (const object of selectors) {
    const selector = selectorFromObject(object);
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !selector.matches(other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => semanticEqual(known, rule))) rules.push(rule);
    }
  }
  return semanticEqual(rules, role.rules) ? undefined : rules;
}
