import type { DeepReadonly } from '../../machinery/meta/object.ts';

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export function findCondition<C extends DeepReadonly<Condition>>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** The list with `condition` in it. One with the same status and reason stays as it is. */
export function withCondition<C extends Condition>(conditions: readonly C[], condition: C): C[] {
  const current = findCondition(conditions, condition.type);
  if (current && current.status === condition.status && current.reason === condition.reason) return [...conditions];
  const sameStatus = current?.status === condition.status && current.lastTransitionTime !== undefined;
  return [
    ...withoutCondition(conditions, condition.type),
    sameStatus ? { ...condition, lastTransitionTime: current.lastTransitionTime! } : condition,
  ];
}

export function withoutCondition<C extends DeepReadonly<Condition>>(conditions: readonly C[], type: string): C[] {
  return conditions.filter((condition) => condition.type !== type);
}
