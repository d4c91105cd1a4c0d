/**
 * How values of a type are owned and merged: field by field, item by item, value by value, or as one. Made of the table
 * of built-in types (`shapeOfStruct`), of the OpenAPI schema of a custom resource (`shapeOfOpenApi`), or of nothing
 * (`deduced`: maps entry by entry, lists as one).
 */
import type { StructType, ValueType } from '../schema/table.ts';

export type ScalarType = 'string' | 'numeric' | 'boolean' | 'untyped';

export type Shape =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  /** A list, map or struct that is one value. `inside` is how its content looks. */
  | { readonly kind: 'atomic'; readonly of: 'list' | 'map'; readonly inside: Shape | undefined }
  | FieldsShape
  /** A list whose items are told apart by their keys. */
  | ItemsShape
  /** A list of scalars that is a set. */
  | { readonly kind: 'values'; readonly item: Shape }
  /** No schema: the value itself says. */
  | { readonly kind: 'deduced' };

/** A struct, or a map. */
export interface FieldsShape {
  readonly kind: 'fields';
  /** Undefined: there is no such field. */
  child(name: string): Shape | undefined;
  /** A field of a struct, and not the entry of a map. */
  declares(name: string): boolean;
  /** Fields that are null rather than absent when they have no value. */
  readonly nullable: readonly string[];
}

export interface ItemsShape {
  readonly kind: 'items';
  /** Sorted. */
  readonly keys: readonly string[];
  readonly item: Shape;
  /** Values of keys that an item leaves out. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const deduced: Shape = { kind: 'deduced' };
const untyped: Shape = { kind: 'scalar', type: 'untyped' };

/** Whatever it is: one value. */
export const anyValue: Shape = untyped;

const scalars: Readonly<Record<string, Shape>> = {
  string: { kind: 'scalar', type: 'string' },
  bytes: { kind: 'scalar', type: 'string' },
  duration: { kind: 'scalar', type: 'string' },
  boolean: { kind: 'scalar', type: 'boolean' },
  int32: { kind: 'scalar', type: 'numeric' },
  int64: { kind: 'scalar', type: 'numeric' },
  float64: { kind: 'scalar', type: 'numeric' },
};

export const scalarShape = (kind: string): Shape => scalars[kind] ?? untyped;

const structs = new WeakMap<StructType, FieldsShape>();

/** The shape of a struct of the table. The same one each time. */
export function shapeOfStruct(type: StructType): FieldsShape {
  let shape = structs.get(type);
  if (!shape) {
    const children = new Map<string, Shape>();
    shape = {
      kind: 'fields',
      child(name) {
        let child = children.get(name);
        if (child) return child;
        const field = type.byName.get(name);
        if (!field) return undefined;
        child = shapeOfValue(field.value, field.mapType, field.listType, field.listMapKeys);
        children.set(name, child);
        return child;
      },
      declares: (name) => type.byName.has(name),
      nullable: nullableFields(type),
    };
    structs.set(type, shape);
  }
  return shape;
}

/** Fields that Go writes as null when they have no value. */
function nullableFields(type: StructType): string[] {
  const names: string[] = [];
  for (const { name, value, pointer, omitEmpty, omitZero } of type.fields) {
    if (omitZero) continue;
    const timeLike = value.kind === 'time' || value.kind === 'microTime';
    const nilable = pointer || value.kind === 'map' || value.kind === 'any';
    if (pointer ? !omitEmpty : timeLike || (nilable && !omitEmpty)) names.push(name);
  }
  return names;
}

function shapeOfValue(type: ValueType, mapType?: string, listType?: string, keys?: readonly string[]): Shape {
  switch (type.kind) {
    case 'struct': {
      const atomic = (mapType ?? type.struct.mapType) === 'atomic';
      const { struct } = type;
      return atomic ? atomicOf('map', () => shapeOfStruct(struct)) : shapeOfStruct(struct);
    }
    case 'map': {
      const shape = mapOf(shapeOfValue(type.values));
      return mapType === 'atomic' ? atomicOf('map', () => shape) : shape;
    }
    case 'list': {
      const item = type.items;
      if (listType === 'set') return { kind: 'values', item: shapeOfValue(item) };
      if (listType === 'map' && keys && item.kind === 'struct') return itemsOf(item, keys);
      return atomicOf('list', () => shapeOfValue(item));
    }
    case 'any':
      return anyValue;
    default:
      return scalarShape(type.kind);
  }
}

/** A map with values of one shape. */
export const mapOf = (values: Shape): FieldsShape => ({
  kind: 'fields',
  child: () => values,
  declares: () => false,
  nullable: [],
});

/** `inside` is asked for when something is checked: types refer to themselves. */
export const atomicOf = (of: 'list' | 'map', inside: () => Shape | undefined): Shape => ({
  kind: 'atomic',
  of,
  get inside() {
    return inside();
  },
});

function itemsOf(type: Extract<ValueType, { kind: 'struct' }>, keys: readonly string[]): Shape {
  const defaults: Fields = {};
  for (const key of keys) {
    const field = type.struct.byName.get(key);
    const value = field?.default ?? (field && !field.pointer && !field.omitEmpty ? zeroOf(field.value) : undefined);
    if (value !== undefined) defaults[key] = value;
  }
  return {
    kind: 'items',
    keys: [...keys].sort(),
    get item() {
      return shapeOfValue(type);
    },
    defaults,
  };
}

/** What a field that is always there has when nothing is said of it. */
function zeroOf({ kind }: ValueType): unknown {
  if (kind === 'string') return '';
  return kind === 'int32' || kind === 'int64' ? 0 : undefined;
}

/** `k:{"containerPort":80,"protocol":"TCP"}`. Undefined when the item has none of the keys. */
export function itemStep(item: unknown, shape: ItemsShape): string | undefined {
  if (!isFields(item)) return undefined;
  let text = '';
  for (const name of shape.keys) {
    const value = item[name] ?? shape.defaults[name];
    if (value === undefined || value === null) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`;
  }
  return text === '' ? undefined : `k:{${text}}`;
}

/** `v:"finalizer"`. */
export const valueStep = (value: unknown): string =>
  typeof value === 'bigint' ? `v:${value}` : `v:${JSON.stringify(value)}`;

/** The step to an item of a list of this shape. */
export const stepOf = (item: unknown, shape: ItemsShape | { readonly kind: 'values' }): string =>
  shape.kind === 'items' ? (itemStep(item, shape) ?? 'k:{}') : valueStep(item);

/** The shape behind a step; undefined when there is none. */
export function shapeAt(shape: Shape, step: string): Shape | undefined {
  switch (shape.kind) {
    case 'fields':
      return step[0] === 'f' ? shape.child(step.slice(2)) : undefined;
    case 'items':
    case 'values':
      return shape.item;
    case 'deduced':
      return deduced;
    default:
      return undefined;
  }
}

/** What a value without a schema is: its entries are looked at, or it is one value. */
export const deducedMap: FieldsShape = mapOf(deduced);
