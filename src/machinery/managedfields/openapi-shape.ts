/** The shape of custom resources: their structural schema's list and map types. */
import { atomicOf, deduced, type Fields, isFields, mapOf, type ScalarType, type Shape } from './shape.ts';

/** What is read of an OpenAPI v3 schema (JSONSchemaProps). */
export interface OpenApiSchema {
  readonly type?: string | undefined;
  readonly properties?: Readonly<Record<string, OpenApiSchema>> | undefined;
  readonly additionalProperties?: OpenApiSchema | boolean | undefined;
  readonly items?: OpenApiSchema | readonly OpenApiSchema[] | undefined;
  readonly default?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean | undefined;
  readonly 'x-kubernetes-embedded-resource'?: boolean | undefined;
  readonly 'x-kubernetes-int-or-string'?: boolean | undefined;
  readonly 'x-kubernetes-list-type'?: string | undefined;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
  readonly 'x-kubernetes-map-type'?: string | undefined;
}

/**
 * The shape of an object: `metadata` (and apiVersion and kind) are what every object has, whatever the schema says of
 * them. Without a schema: deduced, but for the metadata.
 */
export function shapeOfOpenApi(schema: OpenApiSchema | undefined, metadata: Shape): Shape {
  const common: Readonly<Record<string, Shape>> = {
    apiVersion: { kind: 'scalar', type: 'string' },
    kind: { kind: 'scalar', type: 'string' },
    metadata,
  };
  const root = schema ? shapeOf(schema) : deduced;
  const own = (name: string): Shape | undefined => {
    if (root.kind === 'deduced') return deduced;
    return root.kind === 'fields' ? root.child(name) : undefined;
  };
  return {
    kind: 'fields',
    child: (name) => (Object.hasOwn(common, name) ? common[name] : own(name)),
    declares: (name) => Object.hasOwn(common, name) || (root.kind === 'fields' && root.declares(name)),
    nullable: [],
  };
}

function shapeOf(schema: OpenApiSchema): Shape {
  if (schema['x-kubernetes-int-or-string']) return { kind: 'scalar', type: 'untyped' };
  switch (schema.type) {
    case 'object':
      return objectShape(schema);
    case 'array':
      return listShape(schema);
    case 'string':
    case 'boolean':
      return { kind: 'scalar', type: schema.type as ScalarType };
    case 'integer':
    case 'number':
      return { kind: 'scalar', type: 'numeric' };
    default:
      return deduced;
  }
}

function objectShape(schema: OpenApiSchema): Shape {
  const { properties, additionalProperties } = schema;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const others =
    typeof additionalProperties === 'object'
      ? shapeOf(additionalProperties)
      : preserves || additionalProperties === true || !properties
        ? deduced
        : undefined;
  const shape = properties ? structShape(properties, others) : others === deduced ? deduced : mapOf(others!);
  return schema['x-kubernetes-map-type'] === 'atomic' ? atomicOf('map', () => shape) : shape;
}

function structShape(properties: Readonly<Record<string, OpenApiSchema>>, others: Shape | undefined): Shape {
  const children = new Map<string, Shape>();
  return {
    kind: 'fields',
    child(name) {
      const known = children.get(name);
      if (known) return known;
      if (!Object.hasOwn(properties, name)) return others;
      const child = shapeOf(properties[name]!);
      children.set(name, child);
      return child;
    },
    declares: (name) => Object.hasOwn(properties, name),
    nullable: [],
  };
}

function listShape(schema: OpenApiSchema): Shape {
  const items = Array.isArray(schema.items) ? undefined : (schema.items as OpenApiSchema | undefined);
  const item = items ? shapeOf(items) : deduced;
  const keys = schema['x-kubernetes-list-map-keys'];
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { kind: 'values', item };
    case 'map': {
      if (!keys || keys.length === 0) return atomicOf('list', () => item);
      return { kind: 'items', keys: [...keys].sort(), item, defaults: keyDefaults(items, keys) };
    }
    default:
      return atomicOf('list', () => item);
  }
}

function keyDefaults(items: OpenApiSchema | undefined, keys: readonly string[]): Fields {
  const defaults: Fields = {};
  for (const key of keys) {
    const value = isFields(items?.properties) ? items.properties[key]?.default : undefined;
    if (value !== undefined) defaults[key] = value;
  }
  return defaults;
}
