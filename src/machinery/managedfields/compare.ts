/** What one object sets and another does not: the fields that a write changes. */
import { jsonEqual } from '../patch/json-value.ts';
import { type FieldSet, nothing, sorted } from './field-set.ts';
import { deducedMap, type Fields, type FieldsShape, isFields, type ItemsShape, type Shape, stepOf } from './shape.ts';

/** Undefined: none. */
export interface Comparison {
  readonly added: FieldSet | undefined;
  readonly modified: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

type Draft = Record<string, FieldSet>;

const changed: Comparison = { added: undefined, modified: nothing, removed: undefined };

/**
 * From `old` to `object`, both of this shape: undefined when they are the same. Of what is added or removed as a whole,
 * every node is in the set; of what was there before and after, the leaves that differ.
 */
export function compare(old: unknown, object: unknown, shape: Shape): Comparison | undefined {
  if (old === object) return undefined;
  if (old === undefined) return { added: wholeOf(object, shape), modified: undefined, removed: undefined };
  if (object === undefined) return { added: undefined, modified: undefined, removed: wholeOf(old, shape) };
  switch (shape.kind) {
    case 'scalar':
    case 'atomic':
      return jsonEqual(old, object) ? undefined : changed;
    case 'fields':
      return compareFields(old, object, shape);
    case 'items':
    case 'values':
      return compareLists(old, object, shape);
    case 'deduced':
      return compareDeduced(old, object);
  }
}

/** Collects the differences of the children of a node. */
class Differences {
  #added: Draft | undefined;
  #modified: Draft | undefined;
  #removed: Draft | undefined;

  note(step: string, inside: Comparison | undefined): void {
    if (!inside) return;
    if (inside.added) (this.#added ??= {})[step] = inside.added;
    if (inside.modified) (this.#modified ??= {})[step] = inside.modified;
    if (inside.removed) (this.#removed ??= {})[step] = inside.removed;
  }

  result(): Comparison | undefined {
    if (!this.#added && !this.#modified && !this.#removed) return undefined;
    return {
      added: this.#added && sorted(this.#added),
      modified: this.#modified && sorted(this.#modified),
      removed: this.#removed && sorted(this.#removed),
    };
  }
}

const none: Fields = Object.freeze(Object.create(null));

/** Maps from outside may have keys like those of any object. */
const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

const hasMembers = (value: unknown, shape: FieldsShape): boolean => {
  if (!isFields(value)) return false;
  if (shape.nullable.length > 0) return true;
  for (const name in value) if (value[name] !== undefined) return true;
  return false;
};

function compareFields(old: unknown, object: unknown, shape: FieldsShape): Comparison | undefined {
  const [before, after] = [hasMembers(old, shape), hasMembers(object, shape)];
  if (!before && !after) return jsonEqual(old, object) ? undefined : changed;
  const a = before ? (old as Fields) : none;
  const b = after ? (object as Fields) : none;
  const { nullable } = shape;
  const differences = new Differences();
  for (const name in b) {
    const was = own(a, name) ?? (before && nullable.includes(name) ? null : undefined);
    if (b[name] === undefined || was === b[name]) continue;
    const child = shape.child(name);
    if (!child) continue;
    differences.note(`f:${name}`, compare(was, b[name], child));
  }
  for (const name in a) {
    if (a[name] === undefined || own(b, name) !== undefined) continue;
    const child = shape.child(name);
    if (child)
      differences.note(`f:${name}`, compare(a[name], after && nullable.includes(name) ? null : undefined, child));
  }
  if (before !== after)
    for (const name of nullable)
      if (a[name] === undefined && b[name] === undefined)
        differences.note(`f:${name}`, before ? { ...nowhere, removed: nothing } : { ...nowhere, added: nothing });
  return differences.result();
}

const nowhere: Comparison = { added: undefined, modified: undefined, removed: undefined };

type ListShape = ItemsShape | Extract<Shape, { kind: 'values' }>;

const isFilled = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

/** The items by their steps; several where a step comes more than once. */
function itemsByStep(list: readonly unknown[], shape: ListShape): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const step = stepOf(item, shape);
    const same = items.get(step);
    if (same) same.push(item);
    else items.set(step, [item]);
  }
  return items;
}

const noItems: readonly unknown[] = [];

function compareLists(old: unknown, object: unknown, shape: ListShape): Comparison | undefined {
  if (!isFilled(old) && !isFilled(object)) return jsonEqual(old, object) ? undefined : changed;
  if (isFilled(old) && isFilled(object) && jsonEqual(old, object)) return undefined;
  const before = itemsByStep(isFilled(old) ? old : noItems, shape);
  const after = itemsByStep(isFilled(object) ? object : noItems, shape);
  const differences = new Differences();
  for (const step of new Set([...before.keys(), ...after.keys()]))
    differences.note(step, compareItems(before.get(step) ?? noItems, after.get(step) ?? noItems, shape.item));
  return differences.result();
}

/** Items with one step. Where there are several, they are one value together. */
function compareItems(before: readonly unknown[], after: readonly unknown[], item: Shape): Comparison | undefined {
  if (before.length <= 1 && after.length <= 1) return compare(before[0], after[0], item);
  if (before.length >= 2 && after.length >= 2) return jsonEqual(before, after) ? undefined : changed;
  if (before.length >= 2)
    return { added: after.length > 0 ? wholeOf(after[0], item) : undefined, modified: undefined, removed: nothing };
  return { added: nothing, modified: undefined, removed: before.length > 0 ? wholeOf(before[0], item) : undefined };
}

function compareDeduced(old: unknown, object: unknown): Comparison | undefined {
  if (isFields(old) && isFields(object)) return compareFields(old, object, deducedMap);
  if (!isFields(old) && !isFields(object)) return jsonEqual(old, object) ? undefined : changed;
  const inside = compareFields(isFields(old) ? old : null, isFields(object) ? object : null, deducedMap);
  return { added: inside?.added, removed: inside?.removed, modified: nothing };
}

/** The node of a value that comes or goes as a whole: it and everything in it. */
export function wholeOf(value: unknown, shape: Shape): FieldSet {
  switch (shape.kind) {
    case 'scalar':
    case 'atomic':
      return nothing;
    case 'deduced':
      return isFields(value) ? wholeFields(value, deducedMap) : nothing;
    case 'fields':
      return isFields(value) ? wholeFields(value, shape) : nothing;
    case 'values':
    case 'items': {
      if (!isFilled(value)) return nothing;
      const node: Draft = { '.': nothing };
      for (const item of value) {
        const step = stepOf(item, shape);
        node[step] = node[step] ? nothing : wholeOf(item, shape.item);
      }
      return sorted(node);
    }
  }
}

function wholeFields(value: Fields, shape: FieldsShape): FieldSet {
  const node: Draft = { '.': nothing };
  let count = 0;
  for (const name in value) {
    const member = value[name];
    const child = member === undefined ? undefined : shape.child(name);
    if (!child) continue;
    node[`f:${name}`] = wholeOf(member, child);
    count++;
  }
  for (const name of shape.nullable) {
    if (value[name] !== undefined) continue;
    node[`f:${name}`] = nothing;
    count++;
  }
  return count === 0 ? nothing : sorted(node);
}
