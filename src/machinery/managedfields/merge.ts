/** Puts an applied configuration into an object. Nothing is changed in place; what is not touched is shared. */
import { deducedMap, type Fields, type FieldsShape, isFields, type ItemsShape, type Shape, stepOf } from './shape.ts';

/** `live` with everything that `config` sets. Undefined stands for absent; the result is null where the config says so. */
export function mergeConfig(live: unknown, config: unknown, shape: Shape): unknown {
  if (config === undefined) return live;
  switch (shape.kind) {
    case 'scalar':
    case 'atomic':
      return config;
    case 'fields':
      return mergeFields(live, config, shape);
    case 'deduced':
      return isFields(config) ? mergeFields(live, config, deducedMap) : config;
    case 'items':
    case 'values':
      return mergeLists(live, config, shape);
  }
}

const isEmptyMap = (value: unknown): boolean => !isFields(value) || Object.keys(value).length === 0;

function mergeFields(live: unknown, config: unknown, shape: FieldsShape): unknown {
  if (isEmptyMap(live) && isEmptyMap(config)) return config;
  const out: Fields = Object.create(null);
  if (isFields(live)) for (const name in live) if (live[name] !== undefined) out[name] = live[name];
  if (isFields(config)) {
    for (const name in config) {
      const child = shape.child(name);
      out[name] = child ? mergeConfig(out[name], config[name], child) : config[name];
    }
  }
  return out;
}

/**
 * Items that only the object has keep their place; those of the configuration come in its order. Items that stand
 * several times under one step in the object give way to the configuration's one.
 */
function mergeLists(live: unknown, config: unknown, shape: ItemsShape | Extract<Shape, { kind: 'values' }>): unknown {
  const left = Array.isArray(live) ? live : [];
  const right = Array.isArray(config) ? config : [];
  if (left.length === 0 && right.length === 0) return config;
  const leftSteps = left.map((item) => stepOf(item, shape));
  const rightSteps = right.map((item) => stepOf(item, shape));
  const inLeft = new Map<string, unknown>();
  for (const [i, step] of leftSteps.entries()) inLeft.set(step, inLeft.has(step) ? undefined : left[i]);
  const inRight = new Map(rightSteps.map((step, i) => [step, right[i]]));
  // The steps that both have, in the configuration's order: the next one to come.
  const shared = rightSteps.filter((step) => inLeft.has(step));
  let next = 0;
  const done = new Set<string>();
  const out: unknown[] = [];
  const take = (step: string): void => {
    done.add(step);
    out.push(mergeConfig(inLeft.get(step), inRight.get(step), shape.item));
  };
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const atLeft = leftSteps[l];
    const atRight = rightSteps[r];
    if (atLeft !== undefined && atRight !== undefined) {
      if (atLeft === atRight) {
        take(atLeft);
        l++;
        r++;
        next++;
        continue;
      }
      // The object's order gives way: this one comes later.
      if (inRight.has(atLeft) && shared[next] !== undefined && shared[next] !== atLeft) {
        l++;
        continue;
      }
    }
    if (atLeft !== undefined) {
      if (!inRight.has(atLeft)) {
        out.push(left[l]);
        l++;
        continue;
      }
      if (done.has(atLeft)) l++;
    }
    if (atRight !== undefined) {
      take(atRight);
      r++;
      if (shared[next] === atRight) next++;
    }
  }
  return out;
}
