/** CEL's grammar (cel-spec langdef), with macros expanded into their nodes. */
import { CelIssues, type Expr, type LoopOperation, type MapEntry, type StructEntry } from './ast.ts';
import { type Token, tokenize } from './lex.ts';

/** Nesting deeper than that is refused, as upstream does. */
const maxDepth = 250;
/** Upstream's limit on the code points of one expression. */
const maxLength = 100_000;

const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

const maxInt = (1n << 63n) - 1n;

/** Throws CelIssues. */
export function parse(source: string): Expr {
  if (source.length > maxLength)
    throw new CelIssues(source, [
      { at: 0, message: `expression code point size exceeds limit: size: ${source.length}, limit ${maxLength}` },
    ]);
  return new Parser(source).document();
}

const relations = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  document(): Expr {
    const expr = this.#expr();
    if (this.#peek.kind !== 'end') this.#unexpected('<EOF>');
    return expr;
  }

  get #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #fail(message: string, at = this.#peek.at): never {
    throw new CelIssues(this.#source, [{ at, message }]);
  }

  #unexpected(expecting?: string): never {
    const { text, kind } = this.#peek;
    const found = kind === 'end' ? '<EOF>' : text;
    return this.#fail(
      expecting === undefined
        ? `Syntax error: mismatched input '${found}' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`
        : kind === 'end'
          ? `Syntax error: missing '${expecting}' at '<EOF>'`
          : `Syntax error: mismatched input '${found}' expecting '${expecting}'`,
    );
  }

  #is(op: string): boolean {
    const token = this.#peek;
    return token.kind === 'op' && token.text === op;
  }

  #take(op: string): boolean {
    if (!this.#is(op)) return false;
    this.#next++;
    return true;
  }

  #expect(op: string): void {
    if (!this.#take(op)) this.#unexpected(op);
  }

  #expr(): Expr {
    if (++this.#depth > maxDepth) this.#fail(`expression recursion limit exceeded: ${maxDepth}`);
    const condition = this.#or();
    const { at } = this.#peek;
    let out = condition;
    if (this.#take('?')) {
      const yes = this.#or();
      this.#expect(':');
      const no = this.#expr();
      out = call(at, '_?_:_', [condition, yes, no]);
    }
    this.#depth--;
    return out;
  }

  #or(): Expr {
    let left = this.#and();
    for (;;) {
      const { at } = this.#peek;
      if (!this.#take('||')) return left;
      left = call(at, '_||_', [left, this.#and()]);
    }
  }

  #and(): Expr {
    let left = this.#relation();
    for (;;) {
      const { at } = this.#peek;
      if (!this.#take('&&')) return left;
      left = call(at, '_&&_', [left, this.#relation()]);
    }
  }

  #relation(): Expr {
    let left = this.#sum();
    for (;;) {
      const { at, kind, text } = this.#peek;
      if (kind !== 'op' || !relations.has(text)) return left;
      this.#next++;
      left = call(at, text === 'in' ? '@in' : `_${text}_`, [left, this.#sum()]);
    }
  }

  #sum(): Expr {
    let left = this.#product();
    for (;;) {
      const { at, text } = this.#peek;
      if (!this.#take('+') && !this.#take('-')) return left;
      left = call(at, `_${text}_`, [left, this.#product()]);
    }
  }

  #product(): Expr {
    let left = this.#unary();
    for (;;) {
      const { at, text } = this.#peek;
      if (!this.#take('*') && !this.#take('/') && !this.#take('%')) return left;
      left = call(at, `_${text}_`, [left, this.#unary()]);
    }
  }

  #unary(): Expr {
    const { at, text } = this.#peek;
    if (this.#is('!') || this.#is('-')) {
      let count = 0;
      while (this.#take(text)) count++;
      const literal = this.#peek;
      if (text === '-' && literal.kind === 'literal' && count % 2 === 1) {
        // The sign belongs to the literal: the smallest int has no positive counterpart.
        if (typeof literal.value === 'bigint' && literal.value === maxInt + 1n) {
          this.#next++;
          return this.#members({ kind: 'const', value: -literal.value, at });
        }
        if (typeof literal.value === 'bigint' || typeof literal.value === 'number') {
          this.#next++;
          this.#checkInt(literal.value, literal.at);
          return this.#members({ kind: 'const', value: -literal.value, at });
        }
      }
      const operand = this.#member();
      if (count % 2 === 0) return operand;
      return call(at, text === '!' ? '!_' : '-_', [operand]);
    }
    return this.#member();
  }

  #checkInt(value: unknown, at: number): void {
    if (typeof value === 'bigint' && value > maxInt) this.#fail('Syntax error: invalid int literal', at);
  }

  #member(): Expr {
    return this.#members(this.#primary());
  }

  #members(start: Expr): Expr {
    let out = start;
    for (;;) {
      const { at } = this.#peek;
      if (this.#take('.?')) {
        out = { kind: 'select', operand: out, field: this.#ident().text, test: false, optional: true, at };
      } else if (this.#take('.')) {
        const field = this.#ident();
        if (!field.quoted && this.#is('(')) {
          const open = this.#peek.at;
          out = this.#methodCall(out, field.text, this.#args(), open);
        } else if (this.#is('{') && isTypeName(out)) {
          out = this.#struct(`${typeName(out)}.${field.text}`, at);
        } else out = { kind: 'select', operand: out, field: field.text, test: false, optional: false, at };
      } else if (this.#take('[?')) {
        const index = this.#expr();
        this.#expect(']');
        out = call(at, '_[?_]', [out, index]);
      } else if (this.#take('[')) {
        const index = this.#expr();
        this.#expect(']');
        out = call(at, '_[_]', [out, index]);
      } else if (this.#is('{') && isTypeName(out)) out = this.#struct(typeName(out), out.at);
      else return out;
    }
  }

  #ident(): Token & { readonly quoted?: boolean } {
    const token = this.#peek;
    if (token.kind !== 'ident' && !(token.kind === 'op' && token.text === 'in')) this.#unexpected('IDENTIFIER');
    this.#next++;
    return token as Token & { quoted?: boolean };
  }

  #args(): Expr[] {
    this.#expect('(');
    const args: Expr[] = [];
    if (this.#take(')')) return args;
    do args.push(this.#expr());
    while (this.#take(','));
    this.#expect(')');
    return args;
  }

  #primary(): Expr {
    const token = this.#peek;
    const { at } = token;
    if (token.kind === 'literal') {
      this.#next++;
      this.#checkInt(token.value, at);
      return { kind: 'const', value: token.value, at };
    }
    if (token.kind === 'ident' || this.#is('.')) {
      const rooted = this.#take('.');
      const name = this.#ident();
      if (reserved.has(name.text) && !name.quoted) this.#fail(`reserved identifier: ${name.text}`, name.at);
      const full = rooted ? `.${name.text}` : name.text;
      if (this.#is('(')) {
        const open = this.#peek.at;
        return this.#functionCall(name.text, this.#args(), open, at);
      }
      return { kind: 'ident', name: full, at };
    }
    if (this.#take('(')) {
      const inner = this.#expr();
      this.#expect(')');
      return inner;
    }
    if (this.#is('[') || this.#is('[?')) return this.#list();
    if (this.#is('{') || this.#is('{?')) return this.#map();
    return this.#unexpected();
  }

  #list(): Expr {
    const { at } = this.#peek;
    let optional = this.#take('[?');
    if (!optional) this.#expect('[');
    const items: Expr[] = [];
    const optionals: boolean[] = [];
    while (!this.#is(']')) {
      optional = this.#take('?') || optional;
      items.push(this.#expr());
      optionals.push(optional);
      optional = false;
      if (!this.#take(',')) break;
    }
    this.#expect(']');
    return { kind: 'list', items, optional: optionals, at };
  }

  #map(): Expr {
    const { at } = this.#peek;
    let optional = this.#take('{?');
    if (!optional) this.#expect('{');
    const entries: MapEntry[] = [];
    while (!this.#is('}')) {
      optional = this.#take('?') || optional;
      const key = this.#expr();
      this.#expect(':');
      entries.push({ key, value: this.#expr(), optional });
      optional = false;
      if (!this.#take(',')) break;
    }
    this.#expect('}');
    return { kind: 'map', entries, at };
  }

  #struct(name: string, at: number): Expr {
    this.#expect('{');
    const fields: StructEntry[] = [];
    while (!this.#is('}')) {
      const optional = this.#take('?');
      const field = this.#ident();
      this.#expect(':');
      fields.push({ name: field.text, value: this.#expr(), optional, at: field.at });
      if (!this.#take(',')) break;
    }
    this.#expect('}');
    return { kind: 'struct', name: name.replace(/^\./, ''), fields, at };
  }

  #functionCall(name: string, args: readonly Expr[], open: number, at: number): Expr {
    if (name === 'has' && args.length === 1) {
      const [operand] = args;
      if (operand!.kind !== 'select') return this.#fail('invalid argument to has() macro', operand!.at);
      return { ...operand!, test: true };
    }
    return { kind: 'call', name, target: undefined, args, at: open === at ? at : open };
  }

  #methodCall(target: Expr, name: string, args: readonly Expr[], at: number): Expr {
    return this.#macro(target, name, args, at) ?? { kind: 'call', name, target, args, at };
  }

  #macro(target: Expr, name: string, args: readonly Expr[], at: number): Expr | undefined {
    const variable = (i: number): string => {
      const arg = args[i]!;
      if (arg.kind !== 'ident' || arg.name.startsWith('.')) return this.#fail('argument must be a simple name', arg.at);
      return arg.name;
    };
    const loop = (
      operation: LoopOperation,
      two: boolean,
      condition: Expr | undefined,
      body: Expr | undefined,
    ): Expr => ({
      kind: 'loop',
      operation,
      range: target,
      variable: variable(0),
      second: two ? variable(1) : undefined,
      condition,
      body,
      at,
    });
    switch (`${name}/${args.length}`) {
      case 'all/2':
      case 'exists/2':
        return loop(name as LoopOperation, false, args[1], undefined);
      case 'exists_one/2':
      case 'existsOne/2':
        return loop('existsOne', false, args[1], undefined);
      case 'filter/2':
        return loop('filter', false, args[1], undefined);
      case 'map/2':
        return loop('map', false, undefined, args[1]);
      case 'map/3':
        return loop('map', false, args[1], args[2]);
      case 'all/3':
      case 'exists/3':
        return loop(name as LoopOperation, true, args[2], undefined);
      case 'existsOne/3':
      case 'exists_one/3':
        return loop('existsOne', true, args[2], undefined);
      case 'transformList/3':
      case 'transformMap/3':
      case 'transformMapEntry/3':
        return loop(name as LoopOperation, true, undefined, args[2]);
      case 'transformList/4':
      case 'transformMap/4':
      case 'transformMapEntry/4':
        return loop(name as LoopOperation, true, args[2], args[3]);
      case 'optMap/2':
      case 'optFlatMap/2':
        return {
          kind: 'optMap',
          flat: name === 'optFlatMap',
          operand: target,
          variable: variable(0),
          body: args[1]!,
          at,
        };
      default:
        return undefined;
    }
  }
}

const call = (at: number, name: string, args: readonly Expr[]): Expr => ({
  kind: 'call',
  name,
  target: undefined,
  args,
  at,
});

const isTypeName = (expr: Expr): boolean =>
  expr.kind === 'ident' || (expr.kind === 'select' && !expr.test && !expr.optional && isTypeName(expr.operand));

function typeName(expr: Expr): string {
  if (expr.kind === 'ident') return expr.name;
  return expr.kind === 'select' ? `${typeName(expr.operand)}.${expr.field}` : '';
}

/** `a.b.c`, when the expression is nothing but names; undefined otherwise. */
export const qualifiedName = (expr: Expr): string | undefined => (isTypeName(expr) ? typeName(expr) : undefined);
