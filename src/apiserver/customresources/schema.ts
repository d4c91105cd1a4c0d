/** The shape of a version of a custom resource, as the registry knows shapes. */
import { builtinTypes } from '../../apis/scheme.ts';
import { encodeText, parseJson } from '../../machinery/codec/json.ts';
import { shapeOfOpenApi } from '../../machinery/managedfields/openapi-shape.ts';
import { type Shape, shapeOfStruct } from '../../machinery/managedfields/shape.ts';
import type { KubeObject, ObjectMeta } from '../../machinery/meta/object.ts';
import { decodeStruct } from '../../machinery/schema/decode.ts';
import { encodeStruct } from '../../machinery/schema/encode.ts';
import { DecodeError } from '../../machinery/schema/errors.ts';
import type { Decoded, DecodeOptions } from '../../machinery/schema/schema.ts';
import { applyDefaults, dropNulls } from '../../machinery/structural/defaults.ts';
import { isObject, type JsonObject, type JsonSchema, memberSchema } from '../../machinery/structural/json-schema.ts';
import { prune } from '../../machinery/structural/prune.ts';
import { sortedJson } from '../../machinery/structural/sorted-json.ts';
import type { FieldError } from '../../machinery/validation/field-error.ts';
import type { ObjectSchema } from '../registry/resource.ts';

const objectMeta = builtinTypes.get('meta/v1/ObjectMeta');
const none: readonly FieldError[] = [];

export class CustomResourceSchema implements ObjectSchema {
  /** Undefined: nothing is known, everything is kept. */
  readonly schema: JsonSchema | undefined;
  readonly patchType = undefined;
  #shape: Shape | undefined;

  constructor(schema: JsonSchema | undefined) {
    this.schema = schema;
  }

  get shape(): Shape {
    this.#shape ??= shapeOfOpenApi(this.schema, shapeOfStruct(objectMeta));
    return this.#shape;
  }

  decode(bytes: Uint8Array, options: DecodeOptions = {}): Decoded {
    const { value, duplicates } = parseJson(bytes, { findDuplicates: options.strict ?? true });
    return this.normalize(value, duplicates);
  }

  normalize(value: unknown, duplicates: readonly string[] = []): Decoded {
    if (!isObject(value))
      throw new DecodeError(`json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`);
    const unknown: string[] = [];
    decodeMetadata(value, '', unknown);
    if (this.schema) {
      const pruned = prune(value, this.schema);
      unknown.push(...pruned.filter((path) => path !== 'kind' && path !== 'apiVersion' && path !== 'metadata'));
      dropNulls(value, this.schema);
      coerceEmbedded(value, this.schema, '', unknown, true);
    }
    const object = value as unknown as KubeObject;
    if (unknown.length === 0 && duplicates.length === 0) return { object, strictErrors: [] };
    return {
      object,
      strictErrors: [
        ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
        ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
      ],
    };
  }

  applyDefaults(object: KubeObject): void {
    applyDefaults(object, this.schema);
  }

  /** The strategies validate: what is right depends on the sub-resource and on what was there before. */
  validate(): readonly FieldError[] {
    return none;
  }

  readonly encode = (object: KubeObject): Uint8Array => {
    const { kind, apiVersion, metadata, ...rest } = object;
    const type = kind === undefined ? '' : `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
    const content = sortedJson(rest).slice(1, -1);
    return encodeText(
      `{${type}"metadata":${encodeStruct(objectMeta, metadata)}${content === '' ? '' : `,${content}`}}`,
    );
  };
}

const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value;

/** Makes `metadata` what Go's ObjectMeta would keep of it. Throws DecodeError. */
function decodeMetadata(object: JsonObject, path: string, unknown: string[]): void {
  const metadata = object['metadata'];
  if (metadata === undefined || metadata === null) {
    delete object['metadata'];
    return;
  }
  const { value, unknownFields } = decodeStruct(objectMeta, metadata);
  const at = path === '' ? 'metadata' : `${path}.metadata`;
  for (const field of unknownFields) unknown.push(`${at}.${field}`);
  object['metadata'] = value as ObjectMeta;
}

/** The metadata of embedded resources is brought into the same form as that of the object itself. */
function coerceEmbedded(
  value: unknown,
  schema: JsonSchema | undefined,
  path: string,
  unknown: string[],
  root = false,
): void {
  if (!schema || !mayEmbed(schema)) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) coerceEmbedded(value[i], schema.items, `${path}[${i}]`, unknown);
  } else if (isObject(value)) {
    if (schema['x-kubernetes-embedded-resource'] && !root) {
      for (const key of ['apiVersion', 'kind'])
        if (value[key] !== undefined && typeof value[key] !== 'string')
          throw new DecodeError(`${path}.${key}: Invalid value: ${JSON.stringify(value[key])}: must be a string`);
      decodeMetadata(value, path, unknown);
    }
    for (const key of Object.keys(value))
      coerceEmbedded(value[key], memberSchema(schema, key), path === '' ? key : `${path}.${key}`, unknown);
  }
}

const embeds = new WeakMap<JsonSchema, boolean>();

/** Whether there are embedded resources in a schema or below it. */
export function mayEmbed(schema: JsonSchema | undefined): boolean {
  if (!schema) return false;
  const known = embeds.get(schema);
  if (known !== undefined) return known;
  const found =
    schema['x-kubernetes-embedded-resource'] === true ||
    mayEmbed(schema.items) ||
    (typeof schema.additionalProperties === 'object' && mayEmbed(schema.additionalProperties)) ||
    Object.values(schema.properties ?? {}).some(mayEmbed);
  embeds.set(schema, found);
  return found;
}
