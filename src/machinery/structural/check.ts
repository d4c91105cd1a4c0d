/**
 * Values of custom resources against their schema, in the words of upstream's validator (kube-openapi validation, with
 * the mapping to field errors of apiextensions). On updates, what is wrong in a value that has not changed is let through
 * (ratcheting): a schema that became stricter does not block writes of other fields.
 */
import { jsonEqual } from '../patch/json-value.ts';
import { compileRegex } from '../regex/regex.ts';
import { type FieldError, invalid, notSupported, required, tooMany, typeInvalid } from '../validation/field-error.ts';
import { correlatedItem, correlatedMember } from './correlate.ts';
import { hasFormat, isKnownFormat } from './formats.ts';
import { isObject, type JsonObject, type JsonSchema, valuesSchema } from './json-schema.ts';

/**
 * `old`: what was there before, undefined on create (and where nothing corresponds). `root`: stands before all paths:
 * `status` for a status. Errors in the order of the schema.
 */
export function validateValue(value: unknown, schema: JsonSchema | undefined, old?: unknown, root = ''): FieldError[] {
  if (!schema) return [];
  return checkNode(value, schema, '', old).errors.map((error) => rooted(error, root));
}

/** Paths in texts are relative to what is validated; the field of the error is not. */
function rooted(error: FieldError, root: string): FieldError {
  const field = error.field.replace(/^\./, '');
  if (field === '') return { ...error, field: root === '' ? '<nil>' : root };
  return { ...error, field: root === '' ? field : `${root}.${field}` };
}

interface Result {
  readonly errors: FieldError[];
  /** How many checks passed: tells which of several alternatives was meant. */
  matches: number;
}

function checkNode(value: unknown, schema: JsonSchema, path: string, old: unknown): Result {
  const result = check(value, schema, path, old);
  if (result.errors.length > 0 && old !== undefined && jsonEqual(value, old)) result.errors.length = 0;
  return result;
}

const typesOf = (schema: JsonSchema): readonly string[] =>
  schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : [];

function jsonType(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return typeof value as string;
    case 'bigint':
      return 'integer';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    default:
      return value === null ? 'null' : Array.isArray(value) ? 'array' : 'object';
  }
}

const inBody = (path: string) => `${path} in body`;

function check(value: unknown, schema: JsonSchema, path: string, old: unknown): Result {
  const result: Result = { errors: [], matches: 0 };
  const add = (...errors: FieldError[]) => {
    if (errors.length === 0) result.matches++;
    else result.errors.push(...errors);
  };
  add(...checkType(value, schema, path));
  if (value === null) {
    add(...checkEnum(value, schema, path));
    return result;
  }
  const wrongType = result.errors.length > 0;
  merge(result, checkCombinations(value, schema, path));
  if (typeof value === 'string') add(...checkString(value, schema, path));
  else if (typeof value === 'number' || typeof value === 'bigint') add(...checkNumber(value, schema, path));
  else if (Array.isArray(value)) merge(result, checkList(value, schema, path, old));
  add(...checkEnum(value, schema, path));
  if (isObject(value) && !wrongType) merge(result, checkMembers(value, schema, path, old));
  return result;
}

function merge(into: Result, from: Result): void {
  into.errors.push(...from.errors);
  into.matches += from.matches;
}

function checkType(value: unknown, schema: JsonSchema, path: string): FieldError[] {
  const types = typesOf(schema);
  if (types.length === 0) return [];
  const actual = jsonType(value);
  const wrong = () => [
    typeInvalid(path, actual, `${inBody(path)} must be of type ${types.join(',')}: ${JSON.stringify(actual)}`),
  ];
  if (value === null) return schema.nullable ? [] : wrong();
  return types.includes(actual) || (actual === 'integer' && types.includes('number')) ? [] : wrong();
}

function checkString(value: string, schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { maxLength, minLength, pattern, format } = schema;
  if (maxLength !== undefined || minLength !== undefined) {
    let length = 0;
    for (const _ of value) length++;
    if (maxLength !== undefined && length > maxLength)
      errors.push({
        type: 'FieldValueTooLong',
        field: path,
        body: `Too long: may not be more than ${maxLength} bytes`,
      });
    if (minLength !== undefined && length < minLength)
      errors.push(invalid(path, value, `${inBody(path)} should be at least ${minLength} chars long`));
  }
  if (pattern) {
    try {
      if (!compileRegex(pattern).test(value))
        errors.push(invalid(path, value, `${inBody(path)} should match '${pattern}'`));
    } catch (error) {
      errors.push(invalid(path, value, `${inBody(path)} should match '${pattern}': ${(error as Error).message}`));
    }
  }
  if (format && isKnownFormat(format) && !hasFormat(format, value))
    errors.push(typeInvalid(path, value, `${inBody(path)} must be of type ${format}: ${JSON.stringify(value)}`));
  return errors;
}

const int32 = 2 ** 31;
const int64 = 2n ** 63n;

function checkNumber(value: number | bigint, schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { multipleOf, maximum, minimum, format, type } = schema;
  const outside =
    type === 'integer' &&
    ((format === 'int32' && (value >= int32 || value < -int32)) ||
      (format === 'int64' && (value >= int64 || value < -int64)));
  if (outside)
    errors.push(invalid(path, value, `Checked value must be ${type} with format ${format} in ${inBody(path)}`));
  if (multipleOf !== undefined && multipleOf > 0) {
    const ratio = Number(value) / multipleOf;
    if (!Number.isInteger(ratio))
      errors.push(invalid(path, value, `${inBody(path)} should be a multiple of ${multipleOf}`));
  }
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum))
    errors.push(
      invalid(
        path,
        value,
        `${inBody(path)} should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`,
      ),
    );
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum))
    errors.push(
      invalid(
        path,
        value,
        `${inBody(path)} should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`,
      ),
    );
  return errors;
}

function checkEnum(value: unknown, schema: JsonSchema, path: string): FieldError[] {
  if (!schema.enum || schema.enum.some((allowed) => jsonEqual(allowed, value))) return [];
  const allowed = schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  return [notSupported(path, value, allowed)];
}

function checkList(list: readonly unknown[], schema: JsonSchema, path: string, old: unknown): Result {
  const result: Result = { errors: [], matches: 1 };
  const { items, minItems, maxItems } = schema;
  if (items)
    for (let i = 0; i < list.length; i++)
      merge(result, checkNode(list[i], items, `${path}[${i}]`, correlatedItem(schema, list[i], old)));
  if (minItems !== undefined && list.length < minItems)
    result.errors.push(invalid(path, list.length, `${inBody(path)} should have at least ${minItems} items`));
  if (maxItems !== undefined && list.length > maxItems) result.errors.push(tooMany(path, list.length, maxItems));
  if (schema.uniqueItems && list.some((item, i) => list.slice(0, i).some((other) => jsonEqual(item, other))))
    result.errors.push(invalid(path, '', `${inBody(path)} shouldn't contain duplicates`));
  return result;
}

function checkMembers(object: JsonObject, schema: JsonSchema, path: string, old: unknown): Result {
  const result: Result = { errors: [], matches: 1 };
  const { minProperties, maxProperties, properties = {}, required: names = [] } = schema;
  const size = Object.keys(object).length;
  if (minProperties !== undefined && size < minProperties)
    result.errors.push(invalid(path, size, `${inBody(path)} should have at least ${minProperties} properties`));
  if (maxProperties !== undefined && size > maxProperties) result.errors.push(tooMany(path, size, maxProperties));
  const values = valuesSchema(schema);
  for (const key of Object.keys(object)) {
    const isProperty = Object.hasOwn(properties, key);
    const member = isProperty ? properties[key] : values;
    if (!member) {
      if (schema.additionalProperties === false && !isProperty)
        result.errors.push(invalid(path, '', `${path}.${key} in body is a forbidden property`));
      continue;
    }
    const at = path === '' && isProperty ? key : `${path}.${key}`;
    merge(result, checkNode(object[key], member, at, correlatedMember(schema, key, old)));
  }
  for (const name of names) if (!Object.hasOwn(object, name)) result.errors.push(required(`${path}.${name}`));
  return result;
}

/** allOf, anyOf, oneOf, not: of what failed, the alternative that came nearest tells why. */
function checkCombinations(value: unknown, schema: JsonSchema, path: string): Result {
  const result: Result = { errors: [], matches: 0 };
  const say = (text: string) => result.errors.push(invalid('', '', `${JSON.stringify(path)} ${text}`));
  const tryAll = (schemas: readonly JsonSchema[]) => schemas.map((one) => check(value, one, path, undefined));
  const best = (results: readonly Result[]) => results.reduce((a, b) => (b.matches > a.matches ? b : a));
  if (schema.anyOf?.length) {
    const results = tryAll(schema.anyOf);
    const passed = results.find((one) => one.errors.length === 0);
    if (!passed) say('must validate at least one schema (anyOf)');
    merge(result, passed ?? best(results));
  }
  if (schema.oneOf?.length) {
    const results = tryAll(schema.oneOf);
    const passed = results.filter((one) => one.errors.length === 0);
    if (passed.length !== 1)
      say(
        `must validate one and only one schema (oneOf). ${passed.length === 0 ? 'Found none valid' : `Found ${passed.length} valid alternatives`}`,
      );
    if (passed.length < 2) merge(result, passed[0] ?? best(results));
  }
  if (schema.allOf?.length) {
    const results = tryAll(schema.allOf);
    for (const one of results) merge(result, one);
    const passed = results.filter((one) => one.errors.length === 0).length;
    if (passed !== results.length)
      say(`must validate all the schemas (allOf)${passed === 0 ? '. None validated' : ''}`);
  }
  if (schema.not && check(value, schema.not, path, undefined).errors.length === 0)
    say('must not validate the schema (not)');
  return result;
}
