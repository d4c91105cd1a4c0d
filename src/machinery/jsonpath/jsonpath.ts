/**
 * JSONPath as kubectl's columns and selectable fields use it (client-go util/jsonpath): `.a.b`, `['a']`, `[0]`, `[-1]`,
 * `[0:2]`, `[*]`, `.*`, `..a`, `[?(@.type=="Ready")]`. Ranges and several expressions are not here.
 */
import { messageOf } from '../../base/errors.ts';

/** Finds the values at a path; an absent step finds nothing. */
export type JsonPath = (value: unknown) => readonly unknown[];

/** `.spec.replicas`, with or without the `$` or braces around. Throws an Error that says what is wrong. */
export function parseJsonPath(text: string): JsonPath {
  const body = text
    .trim()
    .replace(/^\{(.*)\}$/s, '$1')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  let at = 0;
  while (at < body.length) {
    if (body.startsWith('..', at)) {
      const name = nameAt(body, at + 2);
      if (name.text === '') throw new Error(`no name after '..' in JSONPath ${text}`);
      steps.push(descendants(name.text));
      at = name.end;
    } else if (body[at] === '.') {
      const name = nameAt(body, at + 1);
      at = name.end;
      if (name.text === '*') steps.push(all);
      else if (name.text !== '') steps.push(member(name.text));
    } else if (body[at] === '[') {
      const end = closing(body, at, text);
      steps.push(bracket(body.slice(at + 1, end).trim(), text));
      at = end + 1;
    } else {
      const name = nameAt(body, at);
      if (name.end === at) throw new Error(`unexpected ${JSON.stringify(body[at])} in JSONPath ${text}`);
      steps.push(member(name.text));
      at = name.end;
    }
  }
  return (value) => {
    let values: readonly unknown[] = [value];
    for (const step of steps) values = values.flatMap(step);
    return values;
  };
}

type Step = (value: unknown) => readonly unknown[];

/** A name up to the next `.` or `[`; a backslash takes the next character as it is. */
function nameAt(body: string, start: number): { readonly text: string; readonly end: number } {
  let text = '';
  let at = start;
  for (; at < body.length && body[at] !== '.' && body[at] !== '['; at++) {
    if (body[at] === '\\' && at + 1 < body.length) at++;
    text += body[at];
  }
  return { text, end: at };
}

function closing(body: string, start: number, whole: string): number {
  let depth = 0;
  let quote = '';
  for (let i = start; i < body.length; i++) {
    const char = body[i]!;
    if (quote !== '') {
      if (char === '\\') i++;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '[' || char === '(') depth++;
    else if ((char === ']' || char === ')') && --depth === 0) return i;
  }
  throw new Error(`unterminated array in JSONPath ${whole}`);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const member =
  (name: string): Step =>
  (value) =>
    isMap(value) && Object.hasOwn(value, name) ? [value[name]] : [];

const all: Step = (value) => (Array.isArray(value) ? value : isMap(value) ? Object.values(value) : []);

function descendants(name: string): Step {
  const step: Step = (value) => {
    const own = name === '*' ? all(value) : member(name)(value);
    const children = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
    return [...own, ...children.flatMap(step)];
  };
  return step;
}

function bracket(inner: string, whole: string): Step {
  if (inner === '*') return all;
  const quoted = unquote(inner);
  if (quoted !== undefined) return member(quoted);
  const filter = /^\?\s*\((.*)\)$/s.exec(inner);
  if (filter) return filterStep(filter[1]!, whole);
  if (inner.includes(',')) {
    const steps = inner.split(',').map((part) => bracket(part.trim(), whole));
    return (value) => steps.flatMap((step) => step(value));
  }
  if (/^-?\d+$/.test(inner)) {
    const index = Number(inner);
    return (value) => {
      if (!Array.isArray(value)) return [];
      const i = index < 0 ? value.length + index : index;
      return i >= 0 && i < value.length ? [value[i]] : [];
    };
  }
  const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(inner);
  if (slice) {
    const [, from = '', to = '', step = '1'] = slice;
    return (value) =>
      Array.isArray(value)
        ? value
            .slice(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to))
            .filter((_, i) => i % Math.max(1, Number(step)) === 0)
        : [];
  }
  if (/^[\w-]+$/.test(inner)) return member(inner);
  throw new Error(`invalid array index ${inner} in JSONPath ${whole}`);
}

function unquote(text: string): string | undefined {
  const match = /^(['"])(.*)\1$/s.exec(text);
  return match ? match[2]!.replace(/\\(.)/g, '$1') : undefined;
}

type Operand = (value: unknown) => unknown;

function filterStep(condition: string, whole: string): Step {
  const match = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/s.exec(condition);
  const items = (value: unknown) => (Array.isArray(value) ? value : isMap(value) ? Object.values(value) : []);
  if (!match) {
    const exists = parsePath(condition.trim(), whole);
    return (value) => items(value).filter((item) => exists(item).length > 0);
  }
  const [left, right] = [operand(match[1]!.trim(), whole), operand(match[3]!.trim(), whole)];
  const operator = match[2]!;
  return (value) => items(value).filter((item) => compare(operator, left(item), right(item)));
}

function parsePath(text: string, whole: string): JsonPath {
  try {
    return parseJsonPath(text.replace(/^@/, ''));
  } catch (error) {
    throw new Error(`${messageOf(error)} in the filter of ${whole}`, { cause: error });
  }
}

function operand(text: string, whole: string): Operand {
  const quoted = unquote(text);
  if (quoted !== undefined) return () => quoted;
  if (text === 'true' || text === 'false') return () => text === 'true';
  if (/^-?\d+(\.\d+)?$/.test(text)) return () => Number(text);
  const path = parsePath(text, whole);
  return (value) => path(value)[0];
}

function compare(operator: string, a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false;
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (typeof a !== typeof b) return false;
  const [x, y] = [a as number | string, b as number | string];
  switch (operator) {
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    default:
      return x >= y;
  }
}
