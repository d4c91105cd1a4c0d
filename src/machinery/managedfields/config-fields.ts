/** The fields that an applied configuration names. */
import { type FieldSet, nothing, sorted } from './field-set.ts';
import { deducedMap, type FieldsShape, isFields, type Shape, stepOf } from './shape.ts';

type Draft = Record<string, FieldSet>;

/**
 * The set of fields of an object. Structs are only in it by their fields, entries of maps and items of lists themselves
 * too; an empty map or null is in it as one, an empty list is not.
 */
export function fieldsOf(object: unknown, shape: Shape): FieldSet {
  return childrenOf(object, shape) ?? nothing;
}

/** Undefined: none. A leaf is its parent's affair: see `nodeOf`. */
function childrenOf(value: unknown, shape: Shape): FieldSet | undefined {
  switch (shape.kind) {
    case 'fields':
      return isFields(value) ? entriesOf(value, shape) : undefined;
    case 'deduced':
      return isFields(value) ? entriesOf(value, deducedMap) : undefined;
    case 'items':
    case 'values': {
      if (!Array.isArray(value) || value.length === 0) return undefined;
      const node: Draft = {};
      for (const item of value) {
        const step = stepOf(item, shape);
        node[step] = node[step] ? nothing : nodeOf(childrenOf(item, shape.item), true)!;
      }
      return sorted(node);
    }
    default:
      return undefined;
  }
}

function entriesOf(value: Record<string, unknown>, shape: FieldsShape): FieldSet | undefined {
  const node: Draft = {};
  let count = 0;
  for (const name in value) {
    const member = value[name];
    const child = member === undefined ? undefined : shape.child(name);
    if (!child) continue;
    const inside = nodeOf(childrenOf(member, child), !shape.declares(name) || isLeaf(member, child));
    if (!inside) continue;
    node[`f:${name}`] = inside;
    count++;
  }
  return count === 0 ? undefined : sorted(node);
}

function isLeaf(value: unknown, shape: Shape): boolean {
  if (value === null || shape.kind === 'scalar' || shape.kind === 'atomic') return true;
  if (isFields(value)) return Object.keys(value).length === 0;
  return shape.kind === 'deduced';
}

function nodeOf(children: FieldSet | undefined, member: boolean): FieldSet | undefined {
  if (!children) return member ? nothing : undefined;
  return member ? { '.': nothing, ...children } : children;
}
