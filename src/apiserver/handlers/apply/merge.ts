/** Puts an applied configuration into an object, and takes out what its manager no longer wants. Nothing is changed in place. */
import { type FieldSet, isFields, itemStep, type Shape, valueStep } from './field-set.ts';

type Fields = Record<string, unknown>;

/** `live` with everything that `config` sets. */
export function mergeConfig(live: unknown, config: unknown, shape: Shape): unknown {
  switch (shape.kind) {
    case 'fields': {
      if (!isFields(config)) return config;
      const out: Fields = copyOf(live);
      for (const [name, value] of Object.entries(config)) {
        if (value === null || value === undefined) continue;
        setOwn(out, name, mergeConfig(out[name], value, shape.child(name) ?? { kind: 'leaf' }));
      }
      return out;
    }
    case 'items': {
      if (!Array.isArray(config)) return config;
      const out = Array.isArray(live) ? [...live] : [];
      const at = new Map(out.map((item, i) => [itemStep(item, shape), i]));
      for (const item of config) {
        const step = itemStep(item, shape);
        const i = at.get(step);
        if (i === undefined) at.set(step, out.push(mergeConfig(undefined, item, shape.item)) - 1);
        else out[i] = mergeConfig(out[i], item, shape.item);
      }
      return out;
    }
    case 'values': {
      if (!Array.isArray(config)) return config;
      const out = Array.isArray(live) ? [...live] : [];
      const have = new Set(out.map(valueStep));
      for (const value of config) if (!have.has(valueStep(value))) out.push(value);
      return out;
    }
    case 'leaf':
      return config;
  }
}

/** `value` without the fields of `set`. Undefined when nothing is left of it. */
export function removeFields(value: unknown, set: FieldSet, shape: Shape): unknown {
  const steps = Object.keys(set);
  if (steps.length === 0) return undefined;
  if (shape.kind === 'fields' && isFields(value)) {
    const out: Fields = copyOf(value);
    for (const step of steps) {
      const name = step.slice(2);
      const child = shape.child(name);
      if (!step.startsWith('f:') || !child || !Object.hasOwn(out, name)) continue;
      const rest = removeFields(out[name], set[step]!, child);
      if (rest === undefined) delete out[name];
      else setOwn(out, name, rest);
    }
    return Object.keys(out).length === 0 && Object.keys(value).length > 0 ? undefined : out;
  }
  if (!Array.isArray(value)) return value;
  const out: unknown[] = [];
  for (const item of value) {
    const found = shape.kind === 'items' ? set[itemStep(item, shape)] : set[valueStep(item)];
    if (!found) out.push(item);
    else if (shape.kind === 'items' && !('.' in found)) out.push(removeFields(item, found, shape.item));
  }
  return out.length === 0 ? undefined : out;
}

/** The value at a path of steps. */
export function valueAt(value: unknown, path: readonly string[], shape: Shape): unknown {
  let at = value;
  let form: Shape | undefined = shape;
  for (const step of path) {
    if (form?.kind === 'fields' && isFields(at)) {
      at = at[step.slice(2)];
      form = form.child(step.slice(2));
    } else if (form?.kind === 'items' && Array.isArray(at)) {
      const items: Extract<Shape, { kind: 'items' }> = form;
      at = at.find((item) => itemStep(item, items) === step);
      form = form.item;
    } else if (form?.kind === 'values' && Array.isArray(at)) {
      at = at.find((item) => valueStep(item) === step);
      form = undefined;
    } else return undefined;
  }
  return at;
}

function copyOf(value: unknown): Fields {
  const out: Fields = Object.create(null);
  if (isFields(value)) for (const [key, member] of Object.entries(value)) setOwn(out, key, member);
  return out;
}

function setOwn(object: Fields, key: string, value: unknown): void {
  object[key] = value;
}
