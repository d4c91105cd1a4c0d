/** The types of CEL that a structural schema gives (apiserver cel/common SchemaDeclType), with bounds for estimates. */
import { type JsonSchema, valuesSchema } from '../structural/json-schema.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  type ObjectField,
  type SizeRange,
  string,
  timestamp,
} from './types.ts';

/** What fits into a request, by the least bytes that an item takes. */
const maxRequestBytes = 3 * 1024 * 1024;

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** A member's name as expressions write it; undefined when it cannot be written. */
export function escapeName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

const metadataSchema: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};
const metaProperties: Readonly<Record<string, JsonSchema>> = {
  kind: { type: 'string' },
  apiVersion: { type: 'string' },
};

/** Undefined: nothing is known that rules could look at. `root`: it is a whole object. */
export function typeOfSchema(schema: JsonSchema, root = false): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return dyn;
  const size = sizeOfSchema(schema);
  switch (schema.type) {
    case 'array': {
      const item = schema.items && typeOfSchema(schema.items);
      return item && listOf(item, size);
    }
    case 'object': {
      const values = valuesSchema(schema);
      if (values) {
        const value = typeOfSchema(values);
        return value && mapOf(string, value, size);
      }
      return objectType(schema, root || schema['x-kubernetes-embedded-resource'] === true);
    }
    case 'string':
      switch (schema.format) {
        case 'byte':
          return { kind: bytes.kind as 'bytes', size };
        case 'duration':
          return duration;
        case 'date':
        case 'date-time':
          return timestamp;
        default:
          return { kind: string.kind as 'string', size };
      }
    case 'boolean':
      return bool;
    case 'number':
      return double;
    case 'integer':
      return int;
    default:
      return undefined;
  }
}

let nextName = 1;

function objectType(schema: JsonSchema, resource: boolean): CelType {
  const properties: Record<string, JsonSchema> = { ...schema.properties };
  if (resource) {
    Object.assign(properties, metaProperties);
    const own = properties['metadata'];
    properties['metadata'] = {
      ...metadataSchema,
      properties: { ...own?.properties, ...metadataSchema.properties },
    };
  }
  const fields = new Map<string, ObjectField>();
  for (const [name, property] of Object.entries(properties)) {
    const escaped = escapeName(name);
    const type = escaped === undefined ? undefined : typeOfSchema(property);
    if (escaped !== undefined && type) fields.set(escaped, { name, type });
  }
  return { kind: 'object', name: `object${nextName++}`, fields };
}

/** Least bytes of a value's JSON. */
function leastBytes(schema: JsonSchema | undefined): number {
  switch (schema?.type) {
    case 'boolean':
      return 4;
    case 'object': {
      let bytes = 2;
      for (const name of schema.required ?? []) bytes += name.length + 4 + leastBytes(schema.properties?.[name]);
      return bytes;
    }
    case 'string':
    case 'array':
      return 2;
    default:
      return 1;
  }
}

function sizeOfSchema(schema: JsonSchema): SizeRange {
  switch (schema.type) {
    case 'array': {
      const fits = Math.floor(maxRequestBytes / (leastBytes(schema.items) + 1));
      return { min: 0, max: schema.maxItems ?? fits };
    }
    case 'object': {
      const fits = Math.floor(maxRequestBytes / (leastBytes(valuesSchema(schema)) + 6));
      return { min: 0, max: schema.maxProperties ?? fits };
    }
    default: {
      if (schema.enum?.length)
        return { min: 0, max: Math.max(...schema.enum.map((one) => (typeof one === 'string' ? one.length : 1))) };
      return { min: 0, max: schema.maxLength ?? maxRequestBytes - 2 };
    }
  }
}

/** How often values of the schema may occur in a list or map of `container`. */
export const cardinalityOf = (container: JsonSchema): number => sizeOfSchema(container).max;
