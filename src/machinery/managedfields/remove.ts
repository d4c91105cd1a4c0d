/** Takes fields out of an object. Nothing is changed in place. */
import { type FieldSet, isEmpty, isMember, nothing, sorted } from './field-set.ts';
import { deducedMap, type Fields, type FieldsShape, isFields, type Shape, shapeAt, stepOf } from './shape.ts';

/** `value` without what is in the set. Null when nothing is left of it. */
export function removeFields(value: unknown, set: FieldSet, shape: Shape): unknown {
  switch (shape.kind) {
    case 'scalar':
      return value;
    case 'atomic':
      return null;
    case 'fields':
      return isFields(value) ? removeEntries(value, set, shape) : null;
    case 'deduced':
      if (isFields(value)) return removeEntries(value, set, deducedMap);
      return Array.isArray(value) ? null : value;
    case 'items':
    case 'values': {
      if (!Array.isArray(value)) return null;
      const out: unknown[] = [];
      for (const item of value) {
        const found = set[stepOf(item, shape)];
        if (!found) out.push(item);
        else if (!isMember(found)) out.push(removeFields(item, found, shape.item));
      }
      return out.length === 0 ? null : out;
    }
  }
}

function removeEntries(value: Fields, set: FieldSet, shape: FieldsShape): unknown {
  const out: Fields = Object.create(null);
  let count = 0;
  for (const name in value) {
    const member = value[name];
    if (member === undefined) continue;
    const found = set[`f:${name}`];
    if (found && isMember(found)) continue;
    const child = found && shape.child(name);
    out[name] = child ? removeFields(member, found, child) : member;
    count++;
  }
  return count === 0 ? null : out;
}

/** The set with every field of a struct in it that has children in it: taking them all away takes the struct away. */
export function withStructs(set: FieldSet, shape: Shape | undefined): FieldSet {
  if (isEmpty(set)) return set;
  const out: Record<string, FieldSet> = {};
  for (const step in set) {
    if (step === '.') {
      out[step] = nothing;
      continue;
    }
    const child = withStructs(set[step]!, shape && shapeAt(shape, step));
    const declared = shape?.kind === 'fields' && step[0] === 'f' && shape.declares(step.slice(2));
    out[step] = declared && !isMember(child) ? { '.': nothing, ...child } : child;
  }
  return out;
}

/** The set with what lies inside values that are owned as one taken together: schemas change. */
export function fitToShape(set: FieldSet, shape: Shape | undefined): FieldSet {
  if (isEmpty(set) || !shape || shape.kind === 'deduced') return set;
  if (shape.kind === 'atomic') return nothing;
  let out: Record<string, FieldSet> | undefined;
  for (const step in set) {
    if (step === '.') continue;
    const child = fitToShape(set[step]!, shapeAt(shape, step));
    if (child !== set[step]) (out ??= { ...set })[step] = child;
  }
  return out ? sorted(out) : set;
}
