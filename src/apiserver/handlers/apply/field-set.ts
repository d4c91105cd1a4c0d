/**
 * Sets of fields, as managedFields holds them (FieldsV1): a tree whose keys are
 *
 *   f:NAME      a field of a struct or an entry of a map
 *   k:{...}     the item of a list with these values of its key fields
 *   v:VALUE     a value of a set
 *   .           the item itself (beside its children)
 *
 *   { "f:spec": { "f:containers": { "k:{\"name\":\"c\"}": { ".": {}, "f:image": {}, "f:name": {} } } } }
 */
import type { StructType, ValueType } from '../../../machinery/schema/table.ts';

export type FieldSet = { [step: string]: FieldSet };
type Fields = Record<string, unknown>;

/** How a value is merged and owned: entry by entry, item by item, or as one. */
export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'fields'; child(name: string): Shape | undefined }
  | { readonly kind: 'items'; readonly keys: readonly string[]; readonly item: Shape; readonly defaults: Fields }
  | { readonly kind: 'values' };

const leaf: Shape = { kind: 'leaf' };
const structs = new WeakMap<StructType, Shape>();

/** The shape of a struct: unknown fields are undefined. */
export function shapeOfStruct(type: StructType): Shape {
  let shape = structs.get(type);
  if (!shape) {
    shape = {
      kind: 'fields',
      child(name) {
        const field = type.byName.get(name);
        if (!field) return undefined;
        if (field.mapType === 'atomic') return leaf;
        return shapeOf(field.value, field.listType, field.listMapKeys);
      },
    };
    structs.set(type, shape);
  }
  return shape;
}

function shapeOf(type: ValueType, listType?: string, listMapKeys?: readonly string[]): Shape {
  switch (type.kind) {
    case 'struct':
      return type.struct.mapType === 'atomic' ? leaf : shapeOfStruct(type.struct);
    case 'map': {
      const values = shapeOf(type.values);
      return { kind: 'fields', child: () => values };
    }
    case 'list':
      if (listType === 'set') return { kind: 'values' };
      if (listType !== 'map' || !listMapKeys || type.items.kind !== 'struct') return leaf;
      return {
        kind: 'items',
        keys: listMapKeys,
        item: shapeOfStruct(type.items.struct),
        defaults: keyDefaults(type.items.struct, listMapKeys),
      };
    default:
      return leaf;
  }
}

/** Keys that may be left out (the protocol of a port) count with their default. */
function keyDefaults(type: StructType, keys: readonly string[]): Fields {
  const defaults: Fields = {};
  for (const key of keys) {
    const value = type.byName.get(key)?.default;
    if (value !== undefined) defaults[key] = value;
  }
  return defaults;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `k:{"containerPort":80,"protocol":"TCP"}`: keys sorted. */
export function itemStep(item: unknown, shape: Extract<Shape, { kind: 'items' }>): string {
  const key: Fields = {};
  for (const name of [...shape.keys].sort()) {
    const value = (isFields(item) ? item[name] : undefined) ?? shape.defaults[name];
    if (value !== undefined) key[name] = typeof value === 'bigint' ? Number(value) : value;
  }
  return `k:${JSON.stringify(key)}`;
}

export const valueStep = (value: unknown): string => `v:${JSON.stringify(value)}`;

/** The fields that `value` sets. Null is as absent; what the shape does not know is left out. */
export function fieldsOf(value: unknown, shape: Shape): FieldSet {
  const set: FieldSet = {};
  switch (shape.kind) {
    case 'fields':
      if (!isFields(value)) return set;
      for (const [name, member] of Object.entries(value)) {
        const child = member === null || member === undefined ? undefined : shape.child(name);
        if (child) set[`f:${name}`] = fieldsOf(member, child);
      }
      return set;
    case 'items':
      if (Array.isArray(value))
        for (const item of value) set[itemStep(item, shape)] = { '.': {}, ...fieldsOf(item, shape.item) };
      return set;
    case 'values':
      if (Array.isArray(value)) for (const item of value) set[valueStep(item)] = {};
      return set;
    case 'leaf':
      return set;
  }
}

const isEmpty = (set: FieldSet): boolean => Object.keys(set).length === 0;

/** What is in `a` and not in `b`. A step with children is gone when all of them are. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSet = {};
  for (const [step, child] of Object.entries(a)) {
    const other = b[step];
    if (!other) out[step] = child;
    else {
      const rest = difference(child, other);
      if (!isEmpty(rest)) out[step] = rest;
    }
  }
  return out;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSet = { ...a };
  for (const [step, child] of Object.entries(b)) out[step] = out[step] ? union(out[step], child) : child;
  return out;
}

/** The leaves that both have, as lists of steps. */
export function commonLeaves(a: FieldSet, b: FieldSet, path: readonly string[] = []): string[][] {
  const out: string[][] = [];
  for (const [step, child] of Object.entries(a)) {
    const other = b[step];
    if (!other || step === '.') continue;
    const at = [...path, step];
    if (isEmpty(child) || isEmpty(other)) out.push(at);
    else out.push(...commonLeaves(child, other, at));
  }
  return out;
}

/** Takes paths out of a set. */
export function without(set: FieldSet, paths: readonly (readonly string[])[]): FieldSet {
  let out = set;
  for (const path of paths) out = difference(out, nested(path));
  return out;
}

function nested(path: readonly string[]): FieldSet {
  let set: FieldSet = {};
  for (const step of [...path].reverse()) set = { [step]: set };
  return set;
}

/** As messages name it: `.spec.containers[name="c"].image`. */
export function pathText(path: readonly string[]): string {
  let text = '';
  for (const step of path) {
    const rest = step.slice(2);
    if (step.startsWith('f:')) text += `.${rest}`;
    else if (step.startsWith('v:')) text += `[=${rest}]`;
    else
      text += `[${Object.entries(JSON.parse(rest) as Fields)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
  }
  return text;
}
