/** Node selectors: terms are ORed, requirements within a term ANDed (core/v1 NodeSelector). */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../../framework/objects.ts';

function matchesRequirement(r: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (r.operator) {
    case 'In':
      return value !== undefined && (r.values?.includes(value) ?? false);
    case 'NotIn':
      return value === undefined || !(r.values?.includes(value) ?? false);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const wanted = integer(r.values?.[0]);
      const actual = integer(value);
      if (r.values?.length !== 1 || wanted === undefined || actual === undefined) return false;
      return r.operator === 'Gt' ? actual > wanted : actual < wanted;
    }
    default:
      return false;
  }
}

/** Labels hold any text: what is not a 64-bit integer compares as nothing. */
function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}

/** A term without any requirement matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((r) => matchesRequirement(r, labels[r.key])) &&
    fields.every((r) => matchesRequirement(r, r.key === 'metadata.name' ? node.metadata.name : undefined))
  );
}

/** `spec.nodeSelector` and the required node affinity, both. */
export function matchesRequired(pod: Pod, node: Node): boolean {
  const selector = pod.spec.nodeSelector;
  if (selector !== undefined) {
    const labels = node.metadata.labels ?? {};
    for (const key of Object.keys(selector)) if (labels[key] !== selector[key]) return false;
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}
