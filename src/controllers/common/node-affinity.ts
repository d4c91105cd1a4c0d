/** Whether a pod may be on a node by its selector and required affinity (component-helpers nodeaffinity). */
import type { Node, NodeSelectorTerm, PodSpec } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { type LabelOperator, requirementMatches } from '../../machinery/selectors/labels.ts';

const operators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

type Expressions = DeepReadonly<NodeSelectorTerm>['matchExpressions'];

export function fitsNode(spec: DeepReadonly<PodSpec> | undefined, node: DeepReadonly<Node>): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(spec?.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return true;
  const fields = { 'metadata.name': node.metadata.name ?? '' };
  // Any term will do; an empty one matches nothing.
  return (required.nodeSelectorTerms ?? []).some(({ matchExpressions, matchFields }) => {
    if (!matchExpressions?.length && !matchFields?.length) return false;
    return allMatch(matchExpressions, labels) && allMatch(matchFields, fields);
  });
}

function allMatch(expressions: Expressions, values: Readonly<Record<string, string>>): boolean {
  return (expressions ?? []).every(({ key, operator, values: wanted }) => {
    const known = operators[operator];
    return known !== undefined && requirementMatches({ key, operator: known, values: wanted ?? [] }, values);
  });
}
