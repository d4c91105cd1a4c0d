/**
 * Definitions (component schemas) of API types from the table, for OpenAPI v3 and v2: descriptions, formats, enums,
 * required fields, defaults, and the x-kubernetes extensions that kubectl's explain, apply and validation read.
 */
import type { Field, StructType, TypeTable, ValueType } from '../schema/table.ts';

export type Json = Record<string, unknown>;

/** Type id -> [of the type, field name -> of the field]. */
export type Descriptions = Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>>;

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** `core/v1/Pod` -> `io.k8s.api.core.v1.Pod`, as upstream names its definitions. */
export function definitionName(typeId: string): string {
  const [group = '', version = '', name = ''] = typeId.split('/');
  switch (group) {
    case 'meta':
      return `${meta}.${name}`;
    case 'version':
      return `io.k8s.apimachinery.pkg.version.${version}`;
    case 'apiextensions.k8s.io':
      return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${name}`;
    case 'apiregistration.k8s.io':
      return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.${name}`;
    case 'rbac.authorization.k8s.io':
      return `io.k8s.api.rbac.${version}.${name}`;
    case 'internal.apiserver.k8s.io':
      return `io.k8s.api.apiserverinternal.${version}.${name}`;
    default:
      return `io.k8s.api.${group.split('.')[0]}.${version}.${name}`;
  }
}

/** Definitions of what Go marshals by hand. `oneOf` is v3 only: v2 has the first alternative. */
const handmade: Readonly<Record<string, readonly [name: string, schema: Json, v3?: Json]>> = {
  time: [
    `${meta}.Time`,
    { type: 'string', format: 'date-time', description: 'A point in time, RFC 3339 with whole seconds.' },
  ],
  microTime: [
    `${meta}.MicroTime`,
    { type: 'string', format: 'date-time', description: 'A point in time, RFC 3339 with microseconds.' },
  ],
  duration: [`${meta}.Duration`, { type: 'string', description: 'A length of time: 300ms, 1.5h, 2h45m.' }],
  quantity: [
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    { type: 'string', description: 'A decimal number with an optional unit: 500m, 1.5, 64Mi, 2G, 1e3.' },
    { oneOf: [{ type: 'string' }, { type: 'number' }] },
  ],
  intOrString: [
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    { type: 'string', format: 'int-or-string', description: 'A number or a string: 8080, "http", "25%".' },
    { oneOf: [{ type: 'integer' }, { type: 'string' }] },
  ],
  'runtime.RawExtension': [
    'io.k8s.apimachinery.pkg.runtime.RawExtension',
    { type: 'object', description: 'Any object, kept as it is.' },
  ],
  'v1.FieldsV1': [
    `${meta}.FieldsV1`,
    { type: 'object', description: 'A set of fields in the notation of managedFields.' },
  ],
  patch: [`${meta}.Patch`, { type: 'object', description: 'The body of a PATCH request.' }],
};

/** Makes definitions on demand and remembers which are needed: one per document. */
export class DefinitionSet {
  readonly definitions: Record<string, Json> = {};
  readonly #table: TypeTable;
  readonly #descriptions: Descriptions;
  readonly #refPrefix: string;
  readonly #v3: boolean;
  readonly #kindsOf: (type: StructType) => readonly GroupVersionKind[];

  constructor(
    table: TypeTable,
    descriptions: Descriptions,
    form: 'v2' | 'v3',
    kindsOf: (type: StructType) => readonly GroupVersionKind[],
  ) {
    this.#table = table;
    this.#descriptions = descriptions;
    this.#v3 = form === 'v3';
    this.#refPrefix = this.#v3 ? '#/components/schemas/' : '#/definitions/';
    this.#kindsOf = kindsOf;
  }

  /**
   * A reference to a type of the table, whose definition (and all below it) is then part of the set; `custom:NAME` to a
   * definition that somebody else adds.
   */
  ref(typeId: string): Json {
    if (typeId.startsWith('custom:')) return { $ref: this.#refPrefix + typeId.slice('custom:'.length) };
    const name = definitionName(typeId);
    if (!(name in this.definitions)) {
      this.definitions[name] = {}; // before its fields: types refer to themselves
      this.definitions[name] = this.#definition(this.#table.get(typeId));
    }
    return { $ref: this.#refPrefix + name };
  }

  /** A reference to one of the definitions that are not in the table: `patch`. */
  handmadeRef(key: string): Json {
    const [name, schema, v3] = handmade[key]!;
    if (!(name in this.definitions)) {
      const { type, ...rest } = schema;
      this.definitions[name] = this.#v3 && v3 ? { ...rest, ...v3 } : { type, ...rest };
    }
    return { $ref: this.#refPrefix + name };
  }

  #definition(type: StructType): Json {
    const [description, fields] = this.#descriptions[type.id] ?? ['', {}];
    const properties: Json = {};
    for (const field of type.fields) properties[field.name] = this.#property(field, fields[field.name]);
    const required = type.fields.filter((field) => field.required).map((field) => field.name);
    const kinds = this.#kindsOf(type);
    return {
      ...(description ? { description } : {}),
      type: 'object',
      ...(type.fields.length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(kinds.length > 0 ? { 'x-kubernetes-group-version-kind': kinds } : {}),
      ...(type.mapType ? { 'x-kubernetes-map-type': type.mapType } : {}),
    };
  }

  #property(field: Field, description: string | undefined): Json {
    const schema = this.#withDefault(field.value, !field.pointer, !field.pointer && !field.omitEmpty);
    if (field.enum && field.value.kind === 'list')
      Object.assign(schema['items'] as Json, { enum: [...field.enum].sort() });
    const more: Json = {
      ...(description ? { description } : {}),
      ...(field.publishedDefault ? { default: field.default } : {}),
      ...(field.enum && field.value.kind === 'string' ? { enum: [...field.enum].sort() } : {}),
      ...(field.listMapKeys ? { 'x-kubernetes-list-map-keys': field.listMapKeys } : {}),
      ...(field.listType ? { 'x-kubernetes-list-type': field.listType } : {}),
      ...(field.mapType ? { 'x-kubernetes-map-type': field.mapType } : {}),
      ...(field.patchMergeKey ? { 'x-kubernetes-patch-merge-key': field.patchMergeKey } : {}),
      ...(field.patchStrategy ? { 'x-kubernetes-patch-strategy': field.patchStrategy } : {}),
    };
    return { ...this.#siblings(schema, Object.keys(more).length > 0), ...more };
  }

  /** In v3 a reference with anything beside it stands in an allOf; in v2 it may not have anything beside it. */
  #siblings(schema: Json, more: boolean): Json {
    if (!('$ref' in schema)) return schema;
    const { $ref, ...rest } = schema;
    return this.#v3 && (more || Object.keys(rest).length > 0) ? { allOf: [{ $ref }], ...rest } : schema;
  }

  /** The zero value as default: of structs that are values, and of scalars where Go always writes them. */
  #withDefault(value: ValueType, structs: boolean, scalars: boolean): Json {
    const schema = this.#value(value);
    if (!this.#v3) return schema;
    switch (value.kind) {
      case 'struct':
        return structs ? { ...schema, default: {} } : schema;
      case 'string':
        return scalars ? { ...schema, default: '' } : schema;
      case 'boolean':
        return scalars ? { ...schema, default: false } : schema;
      case 'int32':
      case 'int64':
      case 'float64':
        return scalars ? { ...schema, default: 0 } : schema;
      default:
        return schema;
    }
  }

  #value(value: ValueType): Json {
    switch (value.kind) {
      case 'string':
        return { type: 'string' };
      case 'boolean':
        return { type: 'boolean' };
      case 'int32':
      case 'int64':
        return { type: 'integer', format: value.kind };
      case 'float64':
        return { type: 'number', format: 'double' };
      case 'bytes':
        return { type: 'string', format: 'byte' };
      case 'struct':
        return this.ref(value.struct.id);
      case 'list':
        return { type: 'array', items: this.#item(value.items) };
      case 'map':
        return { type: 'object', additionalProperties: this.#item(value.values) };
      case 'any':
        return value.go in handmade ? this.handmadeRef(value.go) : /JSON/.test(value.go) ? {} : { type: 'object' };
      default:
        return this.handmadeRef(value.kind);
    }
  }

  #item(value: ValueType): Json {
    return this.#siblings(this.#withDefault(value, true, true), false);
  }
}
