/** Lists that are sets or maps hold nothing twice (apiextensions schema/listtype). */
import { duplicate, type FieldError, invalid } from '../validation/field-error.ts';
import { isObject, type JsonObject, type JsonSchema, memberSchema } from './json-schema.ts';
import { sortedJson } from './sorted-json.ts';

export function validateListTypes(object: JsonObject, schema: JsonSchema | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (schema) walk(object, schema, '', errors);
  return errors;
}

function walk(value: unknown, schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    const type = schema['x-kubernetes-list-type'];
    if (type === 'set') for (const i of repeated(value)) errors.push(duplicate(`${path}[${i}]`, value[i]));
    else if (type === 'map') checkMap(value, schema['x-kubernetes-list-map-keys'] ?? [], path, errors);
    if (schema.items) for (let i = 0; i < value.length; i++) walk(value[i], schema.items, `${path}[${i}]`, errors);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key);
      if (!member) continue;
      const isProperty = schema.properties !== undefined && Object.hasOwn(schema.properties, key);
      walk(value[key], member, isProperty ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`, errors);
    }
  }
}

function checkMap(list: readonly unknown[], keys: readonly string[], path: string, errors: FieldError[]): void {
  for (let i = 0; i < list.length; i++)
    if (list[i] !== null && !isObject(list[i])) {
      errors.push(invalid(`${path}[${i}]`, list[i], 'must be an object for an array of list-type map'));
      return;
    }
  const keyed = list.map((item) => {
    const key: JsonObject = {};
    if (isObject(item)) for (const name of keys) if (Object.hasOwn(item, name)) key[name] = item[name];
    return key;
  });
  for (const i of repeated(keyed)) errors.push(duplicate(`${path}[${i}]`, keyed[i]));
}

/** Indexes of the second occurrence of each value that occurs more than once. */
function repeated(list: readonly unknown[]): number[] {
  if (list.length < 2) return [];
  const seen = new Map<unknown, number>();
  const out: number[] = [];
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const key =
      typeof item === 'object' && item !== null
        ? `json ${sortedJson(item)}`
        : typeof item === 'string'
          ? `text ${item}`
          : item;
    const times = seen.get(key) ?? 0;
    if (times === 1) out.push(i);
    seen.set(key, times + 1);
  }
  return out;
}
