/** Functions that need nothing but their arguments: Go's own, and those that Stages add. */
import { type TemplateFunctions, textOf, truth } from './evaluate.ts';

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a), String(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

export const plainFunctions: TemplateFunctions = {
  and: (...args) => (args.some((arg) => !truth(arg)) ? args.find((arg) => !truth(arg)) : args.at(-1)),
  or: (...args) => (args.some(truth) ? args.find(truth) : args.at(-1)),
  not: (value) => !truth(value),
  eq: (value, ...others) => others.some((other) => value === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  len: (value) =>
    typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys((value as object) ?? {}).length,
  index: (value, ...keys) => keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key as string], value),
  print: (...args) => args.map(textOf).join(''),
  printf: (format, ...args) => formatText(String(format), args),
  /** A string as YAML and JSON read it back. */
  Quote: (value) => JSON.stringify(value === undefined || value === null ? '' : textOf(value)),
  /** Any value, as a part of a YAML document, indented by so many steps of two. JSON is YAML. */
  YAML: (value, indent) => `${'  '.repeat(Number(indent ?? 0))}${JSON.stringify(value ?? null)}`,
};

/** `%s %d %v %q`; anything else stays as it is. */
function formatText(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replaceAll(/%([sdvq%])/g, (_, verb: string) => {
    if (verb === '%') return '%';
    const text = textOf(args[next++]);
    return verb === 'q' ? JSON.stringify(text) : text;
  });
}
