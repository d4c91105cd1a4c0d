/** Label selectors: their text form, the LabelSelector objects of the API, and matching. */
import { type FieldError, invalid, notSupported } from '../validation/field-error.ts';
import { isLabelValue, isQualifiedName } from '../validation/formats.ts';
import { aggregateText } from '../status/errors.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export type Labels = Readonly<Record<string, string>>;

/** A selector that cannot be: the message says why, in upstream's words. */
export class SelectorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SelectorError';
  }
}

export interface Requirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** As given; the text form sorts them. */
  readonly values: readonly string[];
}

const lookup = (labels: Labels | undefined, key: string): string | undefined => {
  const value = labels?.[key];
  return typeof value === 'string' ? value : undefined;
};

const int64Text = /^[+-]?\d+$/;

export function requirementMatches(requirement: Requirement, labels: Labels | undefined): boolean {
  const value = lookup(labels, requirement.key);
  switch (requirement.operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const bound = requirement.values[0];
      if (value === undefined || bound === undefined || !int64Text.test(value) || !int64Text.test(bound)) return false;
      return requirement.operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  const list = values.length === 1 ? values[0]! : [...values].sort().join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    default:
      return `${key}${operator}${list}`;
  }
}

/** Immutable. All requirements must hold; `nothing` matches no labels at all. */
export class LabelSelector {
  readonly requirements: readonly Requirement[];
  readonly nothing: boolean;

  private constructor(requirements: readonly Requirement[], nothing: boolean) {
    this.requirements = requirements;
    this.nothing = nothing;
  }

  static readonly everything = new LabelSelector([], false);
  static readonly nothing = new LabelSelector([], true);

  /** Sorted by key, as upstream does, so that equal selectors have equal texts. */
  static of(requirements: readonly Requirement[]): LabelSelector {
    if (requirements.length === 0) return LabelSelector.everything;
    return new LabelSelector(
      requirements.length === 1
        ? requirements
        : [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
      false,
    );
  }

  get empty(): boolean {
    return !this.nothing && this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.nothing) return false;
    for (const requirement of this.requirements) if (!requirementMatches(requirement, labels)) return false;
    return true;
  }

  /** The value a label must have, where exactly one can match. */
  requiresExactMatch(key: string): string | undefined {
    const r = this.requirements.find((candidate) => candidate.key === key);
    if (r === undefined || r.values.length !== 1) return undefined;
    return r.operator === '=' || r.operator === '==' || r.operator === 'in' ? r.values[0] : undefined;
  }

  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

/** The operators as upstream lists them in messages. */
const allOperators = ['!', '!=', '=', '==', 'exists', 'gt', 'in', 'lt', 'notin'];

/** Checks a requirement; throws SelectorError with upstream's text. */
export function newRequirement(key: string, operator: LabelOperator, values: readonly string[]): Requirement {
  const errors: FieldError[] = [];
  const keyErrors = isQualifiedName(key);
  if (keyErrors.length > 0) errors.push(invalid('key', key, keyErrors.join('; ')));
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0)
        errors.push(invalid('values', values, "for 'in', 'notin' operators, values set can't be empty"));
      break;
    case '=':
    case '==':
    case '!=':
      if (values.length !== 1)
        errors.push(invalid('values', values, 'exact-match compatibility requires one single value'));
      break;
    case 'exists':
    case '!':
      if (values.length !== 0)
        errors.push(invalid('values', values, 'values set must be empty for exists and does not exist'));
      break;
    case 'gt':
    case 'lt':
      if (values.length !== 1)
        errors.push(invalid('values', values, "for 'Gt', 'Lt' operators, exactly one value is required"));
      values.forEach((v, i) => {
        if (!int64Text.test(v))
          errors.push(invalid(`values[${i}]`, v, "for 'Gt', 'Lt' operators, the value must be an integer"));
      });
      break;
    default:
      errors.push(notSupported('operator', operator, allOperators));
  }
  values.forEach((v, i) => {
    const messages = isLabelValue(v);
    if (messages.length > 0) errors.push(invalid(`values[${i}][${key}]`, v, messages.join('; ')));
  });
  if (errors.length > 0) throw new SelectorError(aggregateText(errors));
  return { key, operator, values };
}

/** Matches exactly these labels; empty or absent: everything. Nothing is checked. */
export function selectorFromSet(set: Labels | undefined): LabelSelector {
  return LabelSelector.of(Object.entries(set ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

/** meta/v1 LabelSelector. */
export interface LabelSelectorObject {
  readonly matchLabels?: Labels | null;
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | null }[]
    | null;
}

const objectOperators: Readonly<Record<string, LabelOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** Absent: nothing. Empty: everything. Throws SelectorError when it is not valid. */
export function selectorFromObject(object: LabelSelectorObject | undefined | null): LabelSelector {
  if (object === undefined || object === null) return LabelSelector.nothing;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(object.matchLabels ?? {}))
    requirements.push(newRequirement(key, '=', [value]));
  for (const expression of object.matchExpressions ?? []) {
    const operator = objectOperators[expression.operator];
    if (operator === undefined)
      throw new SelectorError(`${JSON.stringify(expression.operator)} is not a valid label selector operator`);
    requirements.push(newRequirement(expression.key, operator, [...(expression.values ?? [])]));
  }
  return LabelSelector.of(requirements);
}

/** For tables: `app=web`, `<none>`, or `<error>`. */
export function formatLabelSelector(object: LabelSelectorObject | undefined | null): string {
  try {
    return selectorFromObject(object).toString() || '<none>';
  } catch {
    return '<error>';
  }
}
