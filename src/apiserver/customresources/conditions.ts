/** Names and conditions of CustomResourceDefinitions: pure (apiextensions controller/status, establish, apiapproval). */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../apis/generated/types/apiextensions.k8s.io/v1.ts';
import { goQuote } from '../../machinery/go-quote.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';

export type Condition = Pick<CustomResourceDefinitionCondition, 'type' | 'status' | 'reason' | 'message'>;

export const findCondition = (
  definition: CustomResourceDefinition,
  type: string,
): CustomResourceDefinitionCondition | undefined =>
  definition.status?.conditions?.find((condition) => condition.type === type);

export const isTrue = (definition: CustomResourceDefinition, type: string): boolean =>
  findCondition(definition, type)?.status === 'True';

/** The conditions with this one in place; the time of transition is kept where the status is. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  condition: Condition,
  now: string,
): CustomResourceDefinitionCondition[] {
  const old = conditions.find((one) => one.type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
  const next = { ...condition, lastTransitionTime } as CustomResourceDefinitionCondition;
  return old ? conditions.map((one) => (one === old ? next : one)) : [...conditions, next];
}

/** Names that the definitions of a group hold already. */
function namesInUse(others: readonly NamedDefinition[]) {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { acceptedNames } of others) {
    const { plural, singular, shortNames = [], kind, listKind } = acceptedNames ?? { plural: '', kind: '' };
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name);
    for (const name of [kind, listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}

export interface NamingResult {
  readonly acceptedNames: CustomResourceDefinitionNames;
  readonly condition: Condition;
}

/** What is looked at in the other definitions of a group. */
export interface NamedDefinition {
  readonly name: string;
  readonly group: string;
  readonly acceptedNames: CustomResourceDefinitionNames | undefined;
  readonly accepted: boolean;
}

/** `group`: the definitions of the same group, this one among them. */
export function acceptNames(definition: CustomResourceDefinition, group: readonly NamedDefinition[]): NamingResult {
  const wanted = definition.spec.names;
  const accepted = definition.status?.acceptedNames ?? { plural: '', kind: '' };
  const { resources, kinds } = namesInUse(group.filter((other) => other.name !== definition.metadata.name));
  const next: CustomResourceDefinitionNames = { ...accepted };
  let conflict: Condition | undefined;
  const conflictOf = (reason: string, messages: readonly string[]): void => {
    conflict = {
      type: 'NamesAccepted',
      status: 'False',
      reason,
      message: messages.length === 1 ? messages[0]! : `[${messages.join(', ')}]`,
    };
  };
  const used = (name: string | undefined, own: string | undefined, names: ReadonlySet<string>): boolean =>
    name !== undefined && name !== own && names.has(name);
  const inUse = (name: string) => `${goQuote(name)} is already in use`;
  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, names: ReadonlySet<string>) => {
    const name = wanted[field];
    if (used(name, accepted[field], names)) conflictOf(reason, [inUse(name!)]);
    else if (name !== undefined) next[field] = name;
  };
  claim('plural', 'PluralConflict', resources);
  claim('singular', 'SingularConflict', resources);
  const own = new Set(accepted.shortNames);
  const taken = (wanted.shortNames ?? []).filter((name) => !own.has(name) && resources.has(name));
  if (taken.length > 0) conflictOf('ShortNamesConflict', taken.map(inUse));
  else if (wanted.shortNames) next.shortNames = wanted.shortNames;
  else delete next.shortNames;
  claim('kind', 'KindConflict', kinds);
  claim('listKind', 'ListKindConflict', kinds);
  if (wanted.categories) next.categories = wanted.categories;
  else delete next.categories;
  return {
    acceptedNames: next,
    condition: conflict ?? {
      type: 'NamesAccepted',
      status: 'True',
      reason: 'NoConflicts',
      message: 'no conflicts found',
    },
  };
}

const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

const approvalAnnotation = 'api-approved.kubernetes.io';
const approvalRule = 'https://github.com/kubernetes/enhancements/pull/1111';

/** Whether the community has approved of an API in its groups; undefined for all other groups. */
export function approvalCondition({ metadata, spec }: CustomResourceDefinition): Condition | undefined {
  if (!isProtectedGroup(spec.group)) return undefined;
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const value = metadata.annotations?.[approvalAnnotation] ?? '';
  if (value === '')
    return {
      type,
      status: 'False',
      reason: 'MissingAnnotation',
      message: `protected groups must have approval annotation ${goQuote(approvalAnnotation)}, see ${approvalRule}`,
    };
  if (value.startsWith('unapproved'))
    return { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${goQuote(value)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+/i.test(value))
    return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${value}` };
  return {
    type,
    status: 'False',
    reason: 'InvalidAnnotation',
    message: `protected groups must have approval annotation ${goQuote(approvalAnnotation)} with either a URL or a reason starting with "unapproved", see ${approvalRule}`,
  };
}

/** Whether two conditions say the same, whenever they came to be. */
export const sameCondition = (a: Condition | undefined, b: Condition | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  semanticEqual([a.type, a.status, a.reason, a.message], [b.type, b.status, b.reason, b.message]);
