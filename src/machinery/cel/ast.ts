/** Expressions of CEL after parsing; macros are nodes of their own. Offsets are in UTF-16 units of the source. */

interface Node {
  readonly at: number;
}

export type Expr = Node &
  (
    | { readonly kind: 'const'; readonly value: unknown }
    | { readonly kind: 'ident'; readonly name: string }
    /** `optional`: `.?`; `test`: inside `has()`. */
    | {
        readonly kind: 'select';
        readonly operand: Expr;
        readonly field: string;
        readonly test: boolean;
        readonly optional: boolean;
      }
    | {
        readonly kind: 'call';
        readonly name: string;
        readonly target: Expr | undefined;
        readonly args: readonly Expr[];
      }
    | { readonly kind: 'list'; readonly items: readonly Expr[]; readonly optional: readonly boolean[] }
    | { readonly kind: 'map'; readonly entries: readonly MapEntry[] }
    /** A message, by its type's name: `Object.spec{replicas: 1}`. */
    | { readonly kind: 'struct'; readonly name: string; readonly fields: readonly StructEntry[] }
    | LoopExpr
    /** `cel.bind`-like: used by optMap and optFlatMap. */
    | {
        readonly kind: 'optMap';
        readonly flat: boolean;
        readonly operand: Expr;
        readonly variable: string;
        readonly body: Expr;
      }
  );

export type LoopOperation =
  | 'all'
  | 'exists'
  | 'existsOne'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry';

export interface LoopExpr extends Node {
  readonly kind: 'loop';
  readonly operation: LoopOperation;
  readonly range: Expr;
  readonly variable: string;
  /** Of two-variable macros: `variable` is the index or key, this the value. */
  readonly second: string | undefined;
  /** What is looked for or kept; absent in map without a filter. */
  readonly condition: Expr | undefined;
  /** What is made of an item; absent in all, exists, existsOne and filter. */
  readonly body: Expr | undefined;
}

export interface MapEntry {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructEntry {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
  readonly at: number;
}

/** A problem found before evaluation, with its place in the source. */
export interface Issue {
  readonly at: number;
  readonly message: string;
}

/** As cel-go prints them: `ERROR: <input>:1:6: undefined field 'x'`, the line, and a caret. */
export function issuesText(source: string, issues: readonly Issue[]): string {
  return issues
    .map(({ at, message }) => {
      const before = source.slice(0, at);
      const line = before.split('\n').length;
      const column = at - (before.lastIndexOf('\n') + 1);
      const text = source.split('\n')[line - 1] ?? '';
      return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${'.'.repeat(column)}^`;
    })
    .join('\n');
}

/** Compilation failed. */
export class CelIssues extends Error {
  readonly issues: readonly Issue[];
  readonly source: string;

  constructor(source: string, issues: readonly Issue[]) {
    super(issuesText(source, issues));
    this.source = source;
    this.issues = issues;
  }
}
