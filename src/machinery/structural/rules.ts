/** The rules of a schema (x-kubernetes-validations), compiled and run (apiextensions schema/cel). */
import { messageOf } from '../../base/errors.ts';
import { type CelProgram, celEnvironment } from '../cel/cel.ts';
import { cardinalityOf, typeOfSchema } from '../cel/schema-types.ts';
import { type CelType, optionalOf } from '../cel/types.ts';
import { CelCostExceeded, CelError, Optional } from '../cel/values.ts';
import { jsonEqual } from '../patch/json-value.ts';
import { type FieldError, forbidden, invalid, required } from '../validation/field-error.ts';
import { correlatedItem, correlatedMember } from './correlate.ts';
import { isObject, type JsonObject, type JsonSchema, memberSchema, someSchema, valuesSchema } from './json-schema.ts';
import type { ValidationRule } from './json-schema.ts';

/** Upstream's limits, in units of cost: of one rule, and of all rules of one request. */
const perCallLimit = 1_000_000;
const requestBudget = 10_000_000;

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: CelProgram;
  readonly message?: CelProgram;
  /** What is wrong with the rule, or with its message expression. */
  readonly error?: string;
  readonly messageError?: string;
  readonly usesOldSelf: boolean;
}

/** The rules of one schema, not of those below it. `root`: it is a whole object. */
export function compileRules(schema: JsonSchema, root: boolean): readonly CompiledRule[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return [];
  const type = typeOfSchema(schema, root);
  return rules.map((rule) => compileRule(rule, type));
}

function compileRule(rule: ValidationRule, type: CelType | undefined): CompiledRule {
  if (!rule.rule.trim()) return { rule, error: 'rule is not specified', usesOldSelf: false };
  if (!type) return { rule, error: 'the schema says nothing of the value', usesOldSelf: false };
  const oldSelf = rule.optionalOldSelf ? optionalOf(type) : type;
  const environment = celEnvironment({ variables: { self: type, oldSelf } });
  let program: CelProgram;
  try {
    program = environment.compile(rule.rule);
  } catch (error) {
    return { rule, error: `compilation failed: ${messageOf(error)}`, usesOldSelf: false };
  }
  const usesOldSelf = program.reads.has('oldSelf');
  if (program.type.kind !== 'bool' && program.type.kind !== 'dyn')
    return { rule, error: 'cel expression must evaluate to a bool', usesOldSelf };
  if (!rule.messageExpression) return { rule, program, usesOldSelf };
  try {
    const message = environment.compile(rule.messageExpression);
    if (message.type.kind !== 'string')
      return { rule, program, usesOldSelf, messageError: 'messageExpression must evaluate to a string' };
    return { rule, program, message, usesOldSelf };
  } catch (error) {
    return { rule, program, usesOldSelf, messageError: `messageExpression compilation failed: ${messageOf(error)}` };
  }
}

/** Validates the rules of a schema and of all below it. Undefined: there are none. */
export function ruleValidator(
  schema: JsonSchema,
): ((object: JsonObject, old: JsonObject | undefined) => readonly FieldError[]) | undefined {
  if (!hasRules(schema)) return undefined;
  return (object, old) => {
    const run: Run = { errors: [], budget: requestBudget, stopped: false };
    walk(run, object, schema, '', old, true);
    return run.errors;
  };
}

const hasRules = (schema: JsonSchema): boolean =>
  someSchema(schema, (one) => (one['x-kubernetes-validations'] ?? []).length > 0);

interface Run {
  readonly errors: FieldError[];
  budget: number;
  stopped: boolean;
}

interface Compiled {
  readonly rules: readonly CompiledRule[];
  /** There are rules in the schema or below. */
  readonly any: boolean;
}

/** Compiled when first needed, and kept as long as the schema is. */
const compiled = new WeakMap<JsonSchema, Compiled>();

function compiledOf(schema: JsonSchema, root: boolean): Compiled {
  let known = compiled.get(schema);
  if (!known) {
    known = { rules: compileRules(schema, root), any: hasRules(schema) };
    compiled.set(schema, known);
  }
  return known;
}

function walk(run: Run, value: unknown, schema: JsonSchema, path: string, old: unknown, root = false): void {
  if (run.stopped || value === null || value === undefined) return;
  const { rules, any } = compiledOf(schema, root);
  if (!any) return;
  for (const rule of rules) {
    if (run.stopped) return;
    check(run, rule, value, schema, path, old);
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items)
      for (let i = 0; i < value.length; i++)
        walk(run, value[i], items, `${path}[${i}]`, correlatedItem(schema, value[i], old));
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key);
      if (!member) continue;
      const isProperty = schema.properties !== undefined && Object.hasOwn(schema.properties, key);
      const at = isProperty ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`;
      walk(run, value[key], member, at, correlatedMember(schema, key, old));
    }
  }
}

const defaultMessage = (rule: ValidationRule): string => rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;

function check(
  run: Run,
  { rule, program, message, error, usesOldSelf }: CompiledRule,
  value: unknown,
  schema: JsonSchema,
  path: string,
  old: unknown,
): void {
  const type = schema.type ?? 'object';
  const fail = (text: string) => run.errors.push(invalid(path || '<nil>', type, text));
  if (!program) {
    fail(`rule compile error: ${error}`);
    return;
  }
  if (usesOldSelf && old === undefined && !rule.optionalOldSelf) return;
  const oldSelf = rule.optionalOldSelf ? (old === undefined ? Optional.none : Optional.of(old)) : old;
  const variables = { self: value, oldSelf };
  let passed: unknown;
  try {
    const { value: result, cost } = program.evaluate(variables, Math.min(perCallLimit, run.budget));
    run.budget -= cost;
    passed = result;
  } catch (failure) {
    if (failure instanceof CelCostExceeded) {
      run.stopped = true;
      fail(
        run.budget < perCallLimit
          ? 'validation failed due to running out of cost budget, no further validation rules will be run'
          : `'${failure.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${defaultMessage(rule)}`,
      );
      return;
    }
    if (!(failure instanceof CelError)) throw failure;
    if (!usesOldSelf && old !== undefined && jsonEqual(value, old)) return;
    fail(
      failure.message.startsWith('no such overload')
        ? `'${failure.message}': call arguments did not match a supported operator, function or macro signature for rule: ${defaultMessage(rule)}`
        : `${failure.message} evaluating rule: ${defaultMessage(rule)}`,
    );
    return;
  }
  if (passed === true) return;
  // What was wrong before may stay as it was.
  if (!usesOldSelf && old !== undefined && jsonEqual(value, old)) return;
  run.errors.push(refusal(rule, path, type, messageText(run, rule, message, variables)));
}

function messageText(
  run: Run,
  rule: ValidationRule,
  message: CelProgram | undefined,
  variables: Readonly<Record<string, unknown>>,
): string {
  if (!message) return defaultMessage(rule);
  try {
    const { value, cost } = message.evaluate(variables, Math.min(perCallLimit, run.budget));
    run.budget -= cost;
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' || /[\n\r]/.test(text) || text.length > 5 * 1024 ? defaultMessage(rule) : text;
  } catch (error) {
    if (error instanceof CelError || error instanceof CelCostExceeded) return defaultMessage(rule);
    throw error;
  }
}

function refusal(rule: ValidationRule, path: string, type: string, text: string): FieldError {
  const sub = rule.fieldPath?.trim() ?? '';
  const at =
    sub === ''
      ? path || '<nil>'
      : path === ''
        ? sub.replace(/^\./, '')
        : path + (sub.startsWith('[') ? '' : '.') + sub.replace(/^\./, '');
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(at, text);
    case 'FieldValueRequired':
      return required(at, text);
    case 'FieldValueDuplicate':
      return { type: 'FieldValueDuplicate', field: at, body: `Duplicate value: ${JSON.stringify(type)}` };
    default:
      return invalid(at, type, text);
  }
}

/** Upstream's bounds on estimates: of one rule, and of all rules of a schema. */
const estimatedRuleLimit = 10_000_000;
const estimatedTotalLimit = 100_000_000;

/** What is wrong with the rules of a schema, as told when the definition is created. */
export function validateRules(schema: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const costs: { readonly field: string; readonly cost: number }[] = [];
  checkSchema(schema, field, 1, undefined, true, errors, costs);
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total > estimatedTotalLimit) {
    const worst = [...costs].sort((a, b) => b.cost - a.cost).slice(0, 4);
    for (const one of worst)
      errors.push(
        forbidden(
          one.field,
          'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
        ),
      );
    errors.push(
      forbidden(
        field,
        overBudget(
          'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema',
          total,
          estimatedTotalLimit,
        ),
      ),
    );
  }
  return errors;
}

function overBudget(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const text = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

function checkSchema(
  schema: JsonSchema,
  field: string,
  cardinality: number,
  uncorrelatable: string | undefined,
  root: boolean,
  errors: FieldError[],
  costs: { readonly field: string; readonly cost: number }[],
): void {
  if (!hasRules(schema)) return;
  for (const [i, one] of compileRules(schema, root).entries()) {
    const at = `${field}.x-kubernetes-validations[${i}]`;
    const told = (name: string, program: CelProgram | undefined, what: string) => {
      if (!program) return;
      const cost = program.maxCost * cardinality;
      costs.push({ field: `${at}.${name}`, cost });
      if (cost > estimatedRuleLimit)
        errors.push(forbidden(`${at}.${name}`, overBudget(what, cost, estimatedRuleLimit)));
    };
    told('rule', one.program, 'estimated rule cost');
    if (one.error) errors.push(invalid(`${at}.rule`, one.rule, one.error));
    if (one.messageError) errors.push(invalid(`${at}.messageExpression`, one.rule, one.messageError));
    else told('messageExpression', one.message, 'estimated messageExpression cost');
    if (one.usesOldSelf && uncorrelatable !== undefined)
      errors.push(
        invalid(
          `${at}.rule`,
          one.rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
        ),
      );
    if (one.program && !one.usesOldSelf && one.rule.optionalOldSelf !== undefined)
      errors.push(
        invalid(`${at}.optionalOldSelf`, one.rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
      );
  }
  const below = (sub: JsonSchema, at: string, times: number, lost: boolean) =>
    checkSchema(sub, at, cardinality * times, uncorrelatable ?? (lost ? field : undefined), false, errors, costs);
  if (schema.items)
    below(schema.items, `${field}.items`, cardinalityOf(schema), schema['x-kubernetes-list-type'] !== 'map');
  const values = valuesSchema(schema);
  if (values) below(values, `${field}.additionalProperties`, cardinalityOf(schema), false);
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    below(property, `${field}.properties[${name}]`, 1, schema['x-kubernetes-map-type'] === 'atomic');
}

/** Whether a path like `.spec.list[0]` or `.a['b']` leads to something that the schema knows. */
export function schemaAtPath(schema: JsonSchema, path: string): JsonSchema | undefined {
  const steps = path.match(/\.[^.[\]]+|\['[^']*'\]|\[\d+\]/g);
  if (!steps || steps.join('') !== path) return undefined;
  let at: JsonSchema | undefined = schema;
  for (const step of steps) {
    if (!at) return undefined;
    if (/^\[\d+\]$/.test(step)) at = at.items;
    else at = memberSchema(at, step.startsWith('.') ? step.slice(1) : step.slice(2, -2));
  }
  return at;
}
