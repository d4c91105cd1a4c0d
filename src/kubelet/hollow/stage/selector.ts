import type { KubeObject } from '../../../machinery/meta/object.ts';
import { type Expression, parseExpression } from './expression.ts';
import type { SelectorRequirement, StageSelector } from './stage.ts';

/** All of labels, annotations and expressions must match. No selector matches nothing, an empty one everything. */
export function compileSelector(selector: StageSelector | undefined): (object: KubeObject) => boolean {
  if (selector === undefined) return () => false;
  const expressions = (selector.matchExpressions ?? []).map(compileRequirement);
  return (object) =>
    contains(object.metadata.labels, selector.matchLabels) &&
    contains(object.metadata.annotations, selector.matchAnnotations) &&
    expressions.every((matches) => matches(object));
}

function contains(
  map: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.keys(wanted ?? {}).every((key) => map?.[key] === wanted![key]);
}

function compileRequirement(requirement: SelectorRequirement): (object: KubeObject) => boolean {
  const { key, operator, values = [] } = requirement;
  const expression: Expression = parseExpression(key);
  const needsValues = operator === 'In' || operator === 'NotIn';
  if (needsValues !== values.length > 0)
    throw new Error(
      `reading the selector of '${key}': operator ${operator} ${needsValues ? 'needs' : 'takes no'} values`,
    );
  switch (operator) {
    case 'Exists':
      return (object) => expression.evaluate(object).length > 0;
    case 'DoesNotExist':
      return (object) => expression.evaluate(object).length === 0;
    case 'In':
      return (object) => expression.evaluate(object).some((value) => values.includes(String(value)));
    case 'NotIn':
      return (object) => !expression.evaluate(object).some((value) => values.includes(String(value)));
    default:
      throw new Error(
        `reading the selector of '${key}': operator '${operator}' is none of In, NotIn, Exists, DoesNotExist`,
      );
  }
}
