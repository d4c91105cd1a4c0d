/** Match conditions of webhooks and policies: all must hold. */
import { messageOf } from '../../../base/errors.ts';
import type { MatchConditions } from '../webhook/match-conditions.ts';
import { activationOf, Evaluator, type ExpressionDependencies, matchConditionsBudget } from './expressions.ts';

export function matchConditionsOf(deps: ExpressionDependencies): MatchConditions {
  return (conditions, input) =>
    conditionsHold(conditions, new Evaluator(activationOf(input, deps), matchConditionsBudget));
}

/** False when any does not hold, whatever else fails; otherwise throws when some could not be evaluated. */
export function conditionsHold(
  conditions: readonly { readonly name: string; readonly expression: string }[],
  evaluator: Evaluator,
): boolean {
  const failures: string[] = [];
  for (const { name, expression } of conditions) {
    try {
      if (evaluator.evaluate(expression) !== true) return false;
    } catch (error) {
      failures.push(`expression '${expression}' of match condition '${name}' resulted in error: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join('; '));
  return true;
}
