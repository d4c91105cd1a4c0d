/** Functions that expressions may call: their overloads for the checker, and one body each that looks at its arguments. */
import { type CelType, parseType, splitArgs } from './types.ts';

export interface Overload {
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** Called on a value: the first of `params` is the target. */
  readonly member: boolean;
}

/**
 * What evaluating a call takes besides 1, from the sizes of its arguments (characters, items). Also used for the
 * estimate before evaluation, with the largest sizes.
 */
export type CostOf = (sizes: readonly number[]) => number;

export interface CelFunction {
  readonly name: string;
  readonly overloads: readonly Overload[];
  /** Throws CelError. */
  readonly body: (...args: readonly never[]) => unknown;
  readonly cost?: CostOf | undefined;
  /** The largest size of the result, from those of the arguments; undefined: that of no argument. */
  readonly resultSize?: CostOf | undefined;
}

export interface Library {
  readonly functions: readonly CelFunction[];
  /** Names that stand for a value: `optional` namespaces have none; types are. */
  readonly constants?: Readonly<Record<string, CelType>>;
}

interface FunctionOptions {
  readonly cost?: CostOf;
  readonly resultSize?: CostOf;
}

/**
 * `define('contains', ['string.(string) -> bool'], ...)`: a type before the dot makes it a member; `(int, int) -> int` a
 * global function.
 */
export function define(
  name: string,
  signatures: readonly string[],
  // biome-ignore lint/suspicious/noExplicitAny: each body takes the values that its signatures let through
  body: (...args: any[]) => unknown,
  options: FunctionOptions = {},
): CelFunction {
  const overloads = signatures.map((signature): Overload => {
    const arrow = signature.lastIndexOf('->');
    const head = signature.slice(0, arrow).trim();
    const open = memberParenthesis(head);
    const target = head.slice(0, open).replace(/\.$/, '').trim();
    const params = splitArgs(head.slice(open + 1, -1)).map(parseType);
    return {
      member: target !== '',
      params: target === '' ? params : [parseType(target), ...params],
      result: parseType(signature.slice(arrow + 2).trim()),
    };
  });
  return { name, overloads, body, ...options };
}

/** Where the parameters begin: the opening counterpart of the last parenthesis. */
function memberParenthesis(head: string): number {
  let depth = 0;
  for (let i = head.length - 1; i >= 0; i--) {
    if (head[i] === ')') depth++;
    else if (head[i] === '(' && --depth === 0) return i;
  }
  throw new Error(`reading the signature ${head}: it has no parameters`);
}

/** Reading texts: a tenth of their length. */
export const textCost = (size: number): number => Math.ceil(size * 0.1);
