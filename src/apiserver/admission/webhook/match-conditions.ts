/** matchConditions of webhooks: CEL expressions, all of which must hold for the webhook to be asked. */
import type { MatchCondition } from '../../../apis/generated/types/admissionregistration.k8s.io/v1.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import type { Attributes } from '../plugin.ts';

export interface MatchConditionInput {
  readonly attributes: Attributes;
  /** In the version that the webhook is asked in. */
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/**
 * False when any condition is false, whatever else fails; otherwise throws an Error when some could not be evaluated
 * (the webhook's failure policy decides then), else true.
 */
export type MatchConditions = (conditions: readonly MatchCondition[], input: MatchConditionInput) => boolean;
