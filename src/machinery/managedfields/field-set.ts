/**
 * Sets of fields, as managedFields holds them (FieldsV1): a tree whose keys are steps
 *
 *   f:NAME      a field of a struct or an entry of a map
 *   k:{...}     the item of a list that has these values of its key fields
 *   v:VALUE     a value of a set
 *   .           the node itself is in the set, beside its children
 *
 *   { "f:spec": { "f:containers": { "k:{\"name\":\"c\"}": { ".": {}, "f:image": {}, "f:name": {} } } } }
 *
 * A node without children is itself in the set; one with children is where it has `.`. The root is never in it: `{}` is
 * the empty set. Keys stand in the order of their steps. Sets are values: operations share what they do not change and
 * never write to their arguments; `union` and `difference` give their first argument back when nothing changes.
 */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}
type Draft = Record<string, FieldSet>;

/** The empty set, and every node that only says: this one. */
export const nothing: FieldSet = Object.freeze({});

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the node itself is in the set (not for the root). */
export const isMember = (node: FieldSet): boolean => node['.'] !== undefined || isEmpty(node);

/** A node of its parts; undefined when there is nothing in it. */
function nodeOf(member: boolean, children: Draft | undefined): FieldSet | undefined {
  if (!children || isEmpty(children)) return member ? nothing : undefined;
  return member ? { '.': nothing, ...children } : children;
}

type Combine = (a: FieldSet | undefined, b: FieldSet | undefined) => FieldSet | undefined;

/** A node of `member` and the combined children of both; keys stay in order. */
function combined(a: FieldSet, b: FieldSet, member: boolean, combine: Combine): FieldSet | undefined {
  const children: Draft = {};
  let added = false;
  for (const step in a) {
    if (step === '.') continue;
    const child = combine(a[step], b[step]);
    if (child) children[step] = child;
  }
  for (const step in b) {
    if (step === '.' || a[step]) continue;
    const child = combine(undefined, b[step]);
    if (!child) continue;
    children[step] = child;
    added = true;
  }
  return nodeOf(member, added ? sorted(children) : children);
}

/** The same node when it is equal to `a`, so that callers see by identity that nothing changed. */
function keep(a: FieldSet, result: FieldSet | undefined): FieldSet | undefined {
  if (!result) return result;
  let count = 0;
  for (const step in a) {
    if (step !== '.' && a[step] !== result[step]) return result;
    count++;
  }
  for (const _ in result) count--;
  return count === 0 && isMember(a) === isMember(result) ? a : result;
}

function unionNode(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (!a || !b || a === b) return a ?? b;
  return keep(a, combined(a, b, isMember(a) || isMember(b), unionNode));
}

function intersectionNode(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (!a || !b) return undefined;
  if (a === b) return a;
  return combined(a, b, isMember(a) && isMember(b), intersectionNode);
}

function differenceNode(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (!a || !b) return a;
  if (a === b) return undefined;
  return keep(a, combined(a, b, isMember(a) && !isMember(b), differenceNode));
}

function withoutNode(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (!a || !b) return a;
  if (isMember(b)) return undefined;
  return keep(a, combined(a, b, isMember(a), withoutNode));
}

const atRoot =
  (combine: Combine) =>
  (a: FieldSet, b: FieldSet): FieldSet => {
    if (isEmpty(b) && combine !== intersectionNode) return a;
    return keep(a, combined(a, b, false, combine)) ?? nothing;
  };

export const union = atRoot(unionNode);
export const intersection = atRoot(intersectionNode);
/** What is in `a` and not in `b`, node by node: children of a node of `b` stay. */
export const difference = atRoot(differenceNode);
/** What is in `a` and neither in `b` nor below what is in `b`. */
export const recursiveDifference = atRoot(withoutNode);

export function equal(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const step in a) {
    const other = b[step];
    if (!other || !equal(a[step]!, other)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const step of path) node = node?.[step];
  return node !== undefined && isMember(node);
}

/** The set of one path. */
export function setOf(path: readonly string[]): FieldSet {
  let set = nothing;
  for (let i = path.length - 1; i >= 0; i--) set = { [path[i]!]: set };
  return set;
}

/** The set of several paths of field names: `['metadata.labels', 'status']`. */
export function setOfFields(...paths: readonly string[]): FieldSet {
  let set = nothing;
  for (const path of paths) set = union(set, setOf(path.split('.').map((name) => `f:${name}`)));
  return set;
}

/** Every path that is in the set: nodes before their children. */
export function pathsOf(set: FieldSet): string[][] {
  const out: string[][] = [];
  const visit = (node: FieldSet, path: readonly string[]): void => {
    for (const step in node) if (step !== '.' && isMember(node[step]!)) out.push([...path, step]);
    for (const step in node) if (step !== '.') visit(node[step]!, [...path, step]);
  };
  visit(set, []);
  return out;
}

/** As messages name a path: `.spec.containers[name="c"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(stepText).join('');
}

export function stepText(step: string): string {
  const rest = step.slice(2);
  switch (step[0]) {
    case 'f':
      return `.${rest}`;
    case 'v':
      return `[=${rest}]`;
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as Record<string, unknown>)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    default:
      return `[${rest}]`;
  }
}

/** A set from outside with all its keys in order. */
export function canonical(set: FieldSet): FieldSet {
  const out: Draft = {};
  for (const step in set) out[step] = canonical(set[step]!);
  return sorted(out);
}

/** The node with its keys in the order of steps. */
export function sorted<T>(node: Record<string, T>): Record<string, T> {
  const steps = Object.keys(node);
  let inOrder = true;
  for (let i = 1; i < steps.length && inOrder; i++) inOrder = compareSteps(steps[i - 1]!, steps[i]!) < 0;
  if (inOrder) return node;
  steps.sort(compareSteps);
  const out: Record<string, T> = {};
  for (const step of steps) out[step] = node[step]!;
  return out;
}

const rank: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4 };

/** The order of steps: the node itself, fields by name, items by their keys, values, indexes. */
export function compareSteps(a: string, b: string): number {
  if (a === b) return 0;
  const kind = a[0]!;
  if (kind !== b[0]) return rank[kind]! - rank[b[0]!]!;
  if (kind === 'f') return a < b ? -1 : 1;
  return compareJson(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)));
}

const jsonRank = (value: unknown): number =>
  ['number', 'string', 'boolean'].indexOf(typeof value) + (typeof value === 'object' ? 10 : 0);

/** Numbers, strings, booleans, then the rest; objects by their members in order. */
function compareJson(a: unknown, b: unknown): number {
  const byKind = jsonRank(a) - jsonRank(b);
  if (byKind !== 0) return byKind;
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    const x = Object.entries(a);
    const y = Object.entries(b);
    for (let i = 0; i < x.length && i < y.length; i++) {
      const [[keyA, valueA], [keyB, valueB]] = [x[i]!, y[i]!];
      if (keyA !== keyB) return keyA < keyB ? -1 : 1;
      const order = compareJson(valueA, valueB);
      if (order !== 0) return order;
    }
    return x.length - y.length;
  }
  return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
}

const stepPattern = /^(?:\.$|f:|k:\{|v:|i:\d)/;

/** What is wrong with a value that should be a set, from outside; undefined when it is one. */
export function fieldSetError(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'expected a JSON object';
  for (const step in value) {
    if (!stepPattern.test(step)) return `${JSON.stringify(step)} is not a path element`;
    if (step[0] === 'k' || step[0] === 'v') {
      try {
        JSON.parse(step.slice(2));
      } catch {
        return `${JSON.stringify(step)} is not a path element`;
      }
    }
    const child = (value as Record<string, unknown>)[step];
    const inside = step === '.' ? undefined : fieldSetError(child);
    if (inside) return inside;
  }
  return undefined;
}
