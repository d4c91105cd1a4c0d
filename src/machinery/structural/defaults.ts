/** Defaults of custom resources (apiextensions schema/defaulting). */
import { cloneJson, setKey } from '../patch/json-value.ts';
import { isObject, type JsonSchema, memberSchema } from './json-schema.ts';

const hasDefault = (schema: JsonSchema | undefined): boolean =>
  schema?.default !== undefined && schema.default !== null;

const isNonNullableNull = (value: unknown, schema: JsonSchema | undefined): boolean =>
  value === null && schema !== undefined && schema.nullable !== true;

/** Which schemas have a default in them or below: most have none, and are passed over. */
const worthwhile = new WeakMap<JsonSchema, boolean>();

function hasDefaults(schema: JsonSchema | undefined): boolean {
  if (!schema) return false;
  const known = worthwhile.get(schema);
  if (known !== undefined) return known;
  const found =
    hasDefault(schema) ||
    hasDefaults(schema.items) ||
    (typeof schema.additionalProperties === 'object' && hasDefaults(schema.additionalProperties)) ||
    Object.values(schema.properties ?? {}).some(hasDefaults);
  worthwhile.set(schema, found);
  return found;
}

/** Fills in what is absent, or null where null is not allowed; in place. Idempotent. */
export function applyDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (!schema || !hasDefaults(schema)) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (isNonNullableNull(value[i], schema.items)) value[i] = cloneJson(schema.items?.default ?? null);
      applyDefaults(value[i], schema.items);
    }
  } else if (isObject(value)) {
    for (const [key, property] of Object.entries(schema.properties ?? {}))
      if (hasDefault(property) && (!Object.hasOwn(value, key) || isNonNullableNull(value[key], property)))
        setKey(value, key, cloneJson(property.default));
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key);
      if (isNonNullableNull(value[key], member) && hasDefault(member)) setKey(value, key, cloneJson(member!.default));
      applyDefaults(value[key], member);
    }
  }
}

/** Drops members that are null where null is neither allowed nor defaulted; in place. */
export function dropNulls(value: unknown, schema: JsonSchema | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item, schema?.items);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key);
      if (isNonNullableNull(value[key], member) && !hasDefault(member)) delete value[key];
      else dropNulls(value[key], member);
    }
  }
}
