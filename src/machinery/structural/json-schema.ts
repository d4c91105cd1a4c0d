/**
 * The schema of a version of a custom resource (apiextensions/v1 JSONSchemaProps), as it lies in the definition. What is
 * structural in it (types, properties, items) steers pruning, defaulting and apply; the rest only validates values.
 */

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface JsonSchema {
  readonly id?: string;
  readonly $schema?: string;
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly title?: string;
  readonly default?: unknown;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly multipleOf?: number;
  readonly enum?: readonly unknown[];
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  /** A schema; a list of schemas is refused with the definition. */
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** `true`: whatever is there stays as it is. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of a member, by its name or by additionalProperties. */
export function memberSchema(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  if (!schema) return undefined;
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return valuesSchema(schema);
}

/** The schema of a map's values. */
export function valuesSchema(schema: JsonSchema): JsonSchema | undefined {
  const { additionalProperties } = schema;
  return typeof additionalProperties === 'object' && additionalProperties !== null ? additionalProperties : undefined;
}

/** Whether unknown members are kept because the schema is that of a map. */
export const isMapSchema = (schema: JsonSchema): boolean =>
  schema.additionalProperties !== undefined && schema.additionalProperties !== null;

/** Calls `visit` for the schema and every one below it, value validation included; true as soon as one says so. */
export function someSchema(schema: JsonSchema | undefined, visit: (schema: JsonSchema) => boolean): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  if (visit(schema)) return true;
  const { items, allOf = [], anyOf = [], oneOf = [], not, properties = {} } = schema;
  if (Array.isArray(items) ? (items as JsonSchema[]).some((one) => someSchema(one, visit)) : someSchema(items, visit))
    return true;
  for (const list of [allOf, anyOf, oneOf]) if (list.some((one) => someSchema(one, visit))) return true;
  if (someSchema(not, visit) || someSchema(valuesSchema(schema), visit)) return true;
  return Object.values(properties).some((one) => someSchema(one, visit));
}
