/** Words of CEL. */
import { CelIssues } from './ast.ts';
import { Uint } from './values.ts';

export type Token =
  | { readonly kind: 'ident' | 'op'; readonly text: string; readonly at: number; readonly quoted?: boolean }
  | { readonly kind: 'literal'; readonly value: unknown; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: string; readonly at: number };

const operators = ['&&', '||', '==', '!=', '<=', '>=', '.?', '[?', '{?'];
const single = new Set('+-*/%<>!?:.,()[]{}');
const number = /(0[xX][0-9a-fA-F]+|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+)([uU]?)/y;
const ident = /[A-Za-z_][A-Za-z0-9_]*/y;
const space = /(?:[\t\n\f\r ]+|\/\/[^\n]*)+/y;
const stringStart = /([rR]?[bB]?|[bB][rR])("""|'''|"|')/y;

/** Throws CelIssues. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const fail = (message: string, where = at): never => {
    throw new CelIssues(source, [{ at: where, message: `Syntax error: ${message}` }]);
  };
  const match = (regex: RegExp): RegExpExecArray | null => {
    regex.lastIndex = at;
    return regex.exec(source);
  };
  while (at < source.length) {
    const blank = match(space);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    const start = at;
    const text = match(stringStart);
    if (text) {
      const { value, end } = readString(source, text, start, fail);
      tokens.push({ kind: 'literal', value, text: source.slice(start, end), at: start });
      at = end;
      continue;
    }
    const previous = tokens[tokens.length - 1];
    const digits = match(number);
    if (digits && !(digits[0].startsWith('.') && previous && previous.kind !== 'op')) {
      at += digits[0].length;
      tokens.push({ kind: 'literal', value: numberOf(digits, start, fail), text: digits[0], at: start });
      continue;
    }
    const word = match(ident);
    if (word) {
      at += word[0].length;
      const keyword = keywords.get(word[0]);
      if (keyword) tokens.push({ kind: 'literal', value: keyword.value, text: word[0], at: start });
      else tokens.push({ kind: word[0] === 'in' ? 'op' : 'ident', text: word[0], at: start });
      continue;
    }
    if (source[at] === '`') {
      const end = source.indexOf('`', at + 1);
      if (end < 0) fail('unterminated quoted identifier');
      tokens.push({ kind: 'ident', text: source.slice(at + 1, end), at: start, quoted: true });
      at = end + 1;
      continue;
    }
    const operator = operators.find((op) => source.startsWith(op, at)) ?? (single.has(source[at]!) ? source[at]! : '');
    // `a ?.b` does not exist: `[?` and `{?` are words only where what follows is an optional entry.
    if (operator === '') fail(`token recognition error at: '${source[at]}'`);
    at += operator.length;
    tokens.push({ kind: 'op', text: operator, at: start });
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

const keywords: ReadonlyMap<string, { readonly value: unknown }> = new Map([
  ['true', { value: true }],
  ['false', { value: false }],
  ['null', { value: null }],
]);

function numberOf(match: RegExpExecArray, at: number, fail: (message: string, where: number) => never): unknown {
  const [, digits = '', unsigned] = match;
  if (/^0[xX]/.test(digits) || /^\d+$/.test(digits)) {
    const value = BigInt(digits);
    if (unsigned) {
      if (value >= 1n << 64n) return fail(`invalid uint literal`, at);
      return new Uint(value);
    }
    return value; // its range is checked where its sign is known
  }
  if (unsigned) return fail('invalid number', at);
  return Number(digits);
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  "'": "'",
  '\\': '\\',
  '?': '?',
  '`': '`',
};

function readString(
  source: string,
  head: RegExpExecArray,
  start: number,
  fail: (message: string, where?: number) => never,
): { readonly value: unknown; readonly end: number } {
  const prefix = head[1]!.toLowerCase();
  const quote = head[2]!;
  const raw = prefix.includes('r');
  const isBytes = prefix.includes('b');
  let text = '';
  const bytes: number[] = [];
  const put = (chars: string): void => {
    if (isBytes) bytes.push(...new TextEncoder().encode(chars));
    else text += chars;
  };
  let at = start + head[0].length;
  for (;;) {
    if (at >= source.length || (quote.length === 1 && (source[at] === '\n' || source[at] === '\r')))
      return fail(`token recognition error at: '${source.slice(start)}'`, start);
    if (source.startsWith(quote, at)) break;
    if (source[at] !== '\\' || raw) {
      const char = String.fromCodePoint(source.codePointAt(at)!);
      put(char);
      at += char.length;
      continue;
    }
    const next = source[at + 1] ?? '';
    const simple = simpleEscapes[next];
    if (simple !== undefined) {
      put(simple);
      at += 2;
      continue;
    }
    const width = { x: 2, X: 2, u: 4, U: 8 }[next];
    const code = width ? source.slice(at + 2, at + 2 + width) : source.slice(at + 1, at + 4);
    const valid = width ? new RegExp(`^[0-9a-fA-F]{${width}}$`).test(code) : /^[0-3][0-7]{2}$/.test(code);
    if (!valid || (isBytes && (next === 'u' || next === 'U')))
      return fail(`token recognition error at: '${source.slice(start, at + 2)}'`, start);
    const value = Number.parseInt(code, width ? 16 : 8);
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return fail('invalid unicode code point', at);
    if (isBytes) bytes.push(value);
    else text += String.fromCodePoint(value);
    at += width ? 2 + width : 4;
  }
  return { value: isBytes ? new Uint8Array(bytes) : text, end: at + quote.length };
}
