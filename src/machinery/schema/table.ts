/**
 * The table of API types: what the generator writes, made into linked structures on first use of each type.
 *
 * A type's id is `group/version/GoName`: `core/v1/Pod`, `apps/v1/DeploymentSpec`, `meta/v1/ObjectMeta`. Fields stand in
 * the order of upstream's Go struct, which is the order of JSON output; embedded structs are flattened in their place.
 */

/**
 * [JSON name, type expression, flags, Go type where it does not follow from the expression, rarer facts]. One without a
 * name, last, holds facts of the type itself.
 */
export type RawField = readonly [string, string, string, string?, RawFieldFacts?];

interface RawFieldFacts {
  readonly enum?: readonly string[];
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly atomic?: true;
  readonly default?: unknown;
}

export type RawTypeTable = Readonly<Record<string, readonly RawField[]>>;

export type ScalarKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'float64'
  /** base64 in JSON. */
  | 'bytes'
  /** RFC 3339 with seconds, UTC. */
  | 'time'
  /** RFC 3339 with exactly six decimals, UTC. */
  | 'microTime'
  /** Go's notation: `1m30s`. */
  | 'duration'
  | 'quantity'
  | 'intOrString'
  /** Free JSON: RawExtension, FieldsV1, JSON. */
  | 'any';

export type ValueType =
  | { readonly kind: ScalarKind; readonly go: string }
  | { readonly kind: 'list'; readonly go: string; readonly items: ValueType }
  | { readonly kind: 'map'; readonly go: string; readonly values: ValueType }
  | { readonly kind: 'struct'; readonly go: string; readonly struct: StructType };

export interface Field {
  readonly name: string;
  readonly value: ValueType;
  /** As OpenAPI says: clients must give it. */
  readonly required: boolean;
  /** Go's `omitempty`: the zero value is left out (has no effect on struct values). */
  readonly omitEmpty: boolean;
  /** Go's `omitzero`. */
  readonly omitZero: boolean;
  /** A pointer in Go: absent and zero differ. */
  readonly pointer: boolean;
  readonly enum: readonly string[] | undefined;
  /** Strategic merge: `merge`, `replace`, `retainKeys`, `merge,retainKeys`. */
  readonly patchStrategy: string | undefined;
  readonly patchMergeKey: string | undefined;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[] | undefined;
  /** Of a map or struct: `atomic` or `granular`. */
  readonly mapType: string | undefined;
  /** Unconditional default, to be copied when the field is absent (for value types: zero). */
  readonly default: unknown;
  /** The default is part of the published API (a marker of the type), not only of what the server does. */
  readonly publishedDefault: boolean;
}

export interface StructType {
  readonly id: string;
  /** `core` for the empty group; `meta` for the machinery's own. */
  readonly group: string;
  readonly version: string;
  /** Go name: `PodSpec`. */
  readonly name: string;
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
  /** Has kind and apiVersion. */
  readonly root: boolean;
  /** `atomic`: server-side apply takes the struct as one value. */
  readonly mapType: string | undefined;
}

const scalars: Readonly<Record<string, readonly [ScalarKind, string]>> = {
  s: ['string', 'string'],
  b: ['boolean', 'bool'],
  i32: ['int32', 'int32'],
  i64: ['int64', 'int64'],
  f64: ['float64', 'float64'],
  bytes: ['bytes', '[]uint8'],
  time: ['time', 'v1.Time'],
  microTime: ['microTime', 'v1.MicroTime'],
  duration: ['duration', 'v1.Duration'],
  quantity: ['quantity', 'resource.Quantity'],
  intOrString: ['intOrString', 'intstr.IntOrString'],
  any: ['any', 'runtime.RawExtension'],
};

/** All API types of a raw table. Types are linked when first asked for: a process that serves few kinds pays for few. */
export class TypeTable {
  readonly #raw: RawTypeTable;
  readonly #types = new Map<string, StructType>();

  constructor(raw: RawTypeTable) {
    this.#raw = raw;
  }

  has(id: string): boolean {
    return Object.hasOwn(this.#raw, id);
  }

  ids(): readonly string[] {
    return Object.keys(this.#raw);
  }

  find(id: string): StructType | undefined {
    return this.#types.get(id) ?? (this.has(id) ? this.#link(id) : undefined);
  }

  /** Throws when there is no such type. */
  get(id: string): StructType {
    const type = this.find(id);
    if (!type) throw new Error(`no API type ${id} in the table`);
    return type;
  }

  #link(id: string): StructType {
    const [group = '', version = '', name = ''] = id.split('/');
    const raw = this.#raw[id] ?? [];
    const fields: Field[] = [];
    const byName = new Map<string, Field>();
    const type: StructType = {
      id,
      group,
      version,
      name,
      fields,
      byName,
      root: raw[0]?.[0] === 'kind' && raw[1]?.[0] === 'apiVersion',
      mapType: raw.at(-1)?.[0] === '' ? raw.at(-1)?.[4]?.mapType : undefined,
    };
    this.#types.set(id, type); // before its fields: types refer to themselves
    for (const entry of raw) {
      if (entry[0] === '') continue;
      const field = this.#field(entry);
      fields.push(field);
      byName.set(field.name, field);
    }
    return type;
  }

  #field([name, expression, flags, go, facts]: RawField): Field {
    return {
      name,
      value: this.#value(expression, go || undefined),
      required: flags.includes('r'),
      omitEmpty: flags.includes('e'),
      omitZero: flags.includes('z'),
      pointer: flags.includes('p'),
      enum: facts?.enum,
      patchStrategy: facts?.patchStrategy,
      patchMergeKey: facts?.patchMergeKey,
      listType: facts?.atomic ? 'atomic' : (facts?.listType as Field['listType']),
      listMapKeys: facts?.listMapKeys,
      mapType: facts?.mapType,
      default: facts?.default,
      publishedDefault: flags.includes('d'),
    };
  }

  #value(expression: string, go: string | undefined): ValueType {
    if (expression.startsWith('[]')) {
      const items = this.#value(expression.slice(2), go?.startsWith('[]') ? go.slice(2) : undefined);
      return { kind: 'list', items, go: go ?? `[]${items.go}` };
    }
    if (expression.startsWith('{}')) {
      const values = this.#value(expression.slice(2), go?.match(/^map\[[\w.]+\](.+)$/)?.[1]);
      return { kind: 'map', values, go: go ?? `map[string]${values.go}` };
    }
    if (expression.startsWith('#')) {
      const id = expression.slice(1);
      const resolve = (): StructType => this.get(id);
      let struct: StructType | undefined;
      return {
        kind: 'struct',
        go: go ?? id.split('/').slice(1).join('.'),
        get struct() {
          struct ??= resolve();
          return struct;
        },
      };
    }
    const scalar = scalars[expression];
    if (!scalar) throw new Error(`the type table holds an unknown expression '${expression}'`);
    return { kind: scalar[0], go: go ?? scalar[1] };
  }
}
