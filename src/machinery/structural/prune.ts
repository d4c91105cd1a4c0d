/** Unknown fields of custom resources: dropped, and named (apiextensions schema/pruning). */
import { isMapSchema, isObject, type JsonObject, type JsonSchema, valuesSchema } from './json-schema.ts';

const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Drops from `object` (in place) what the schema does not know; type meta and metadata stay. Returns the paths of what
 * went, sorted: `spec.foo`, `spec.list[0].foo`.
 */
export function prune(object: JsonObject, schema: JsonSchema | undefined): string[] {
  const unknown: string[] = [];
  pruneValue(object, { ...schema, 'x-kubernetes-embedded-resource': true }, '', unknown);
  return unknown.sort();
}

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function pruneValue(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (schema?.['x-kubernetes-preserve-unknown-fields']) {
    pruneKnown(value, schema, path, unknown);
    return;
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) pruneValue(value[i], schema?.items, `${path}[${i}]`, unknown);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      if (schema?.['x-kubernetes-embedded-resource'] && metaFields.has(key)) continue;
      const member = schema?.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
      if (member) pruneValue(value[key], member, below(path, key), unknown);
      else if (schema && schema.additionalProperties === true) continue;
      else if (schema && isMapSchema(schema)) pruneValue(value[key], valuesSchema(schema), below(path, key), unknown);
      else {
        unknown.push(below(path, key));
        delete value[key];
      }
    }
  }
}

/** Below preserve-unknown-fields: what the schema knows is pruned by it, the rest stays. */
function pruneKnown(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) pruneKnown(value[i], schema.items, `${path}[${i}]`, unknown);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      if (schema['x-kubernetes-embedded-resource'] && metaFields.has(key)) continue;
      const member = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
      const sub = member ?? valuesSchema(schema);
      if (sub) pruneValue(value[key], sub, below(path, key), unknown);
    }
  }
}
