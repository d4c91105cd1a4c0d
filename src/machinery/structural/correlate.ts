/** Which part of the old object a part of the new one corresponds to (apiserver cel/common CorrelatedObject). */
import { isObject, type JsonSchema } from './json-schema.ts';
import { jsonEqual } from '../patch/json-value.ts';

/** Members correspond by name, unless the map is one value (`x-kubernetes-map-type: atomic`). */
export function correlatedMember(schema: JsonSchema, key: string, old: unknown): unknown {
  if (!isObject(old) || schema['x-kubernetes-map-type'] === 'atomic') return undefined;
  return Object.hasOwn(old, key) ? old[key] : undefined;
}

/** Items of a list that is a map correspond by its keys; others do not. */
export function correlatedItem(schema: JsonSchema, item: unknown, old: unknown): unknown {
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return old.find(
    (other: unknown) =>
      isObject(other) && keys.every((key) => jsonEqual(keyOf(schema, item, key), keyOf(schema, other, key))),
  );
}

/** A key that is not there has its default. */
const keyOf = (schema: JsonSchema, item: Record<string, unknown>, key: string): unknown =>
  item[key] ?? schema.items?.properties?.[key]?.default ?? null;
