/**
 * The text form of label selectors, as in `?labelSelector=`:
 *
 *   selector    = requirement *("," requirement)
 *   requirement = ["!"] key | key ("=" | "==" | "!=" | ">" | "<") [value] | key ("in" | "notin") "(" values ")"
 *
 * `in` and `notin` are words only after a key; white space separates. Errors have upstream's texts.
 */
import { isQualifiedName } from '../validation/formats.ts';
import { invalid } from '../validation/field-error.ts';
import { type LabelOperator, LabelSelector, newRequirement, type Requirement, SelectorError } from './labels.ts';

type TokenKind =
  | 'end'
  | 'identifier'
  | 'error'
  | ')'
  | ','
  | '!'
  | '=='
  | '='
  | '>'
  | 'in'
  | '<'
  | '!='
  | 'notin'
  | '(';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const special = '=!(),><';
const symbols = new Set<string>([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const isSpace = (c: string) => c === ' ' || c === '\t' || c === '\r' || c === '\n';

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    while (at < text.length && isSpace(text[at]!)) at++;
    // A NUL ends the text, as it does upstream.
    if (at >= text.length || text[at] === '\0') {
      tokens.push({ kind: 'end', text: '' });
      return tokens;
    }
    const start = at;
    if (special.includes(text[at]!)) {
      // The longest symbol that a run of special characters starts with.
      let symbol = '';
      let run = '';
      while (at < text.length && special.includes(text[at]!)) {
        run += text[at];
        if (symbols.has(run)) symbol = run;
        else if (symbol !== '') break;
        at++;
      }
      at = start + (symbol === '' ? run.length : symbol.length);
      tokens.push(
        symbol === ''
          ? { kind: 'error', text: `error expected: keyword found '${run}'` }
          : { kind: symbol as TokenKind, text: symbol },
      );
      continue;
    }
    while (at < text.length && text[at] !== '\0' && !special.includes(text[at]!) && !isSpace(text[at]!)) at++;
    const word = text.slice(start, at);
    tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
  }
}

const binaryOperators = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];
const operatorOf: Partial<Record<TokenKind, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Where a value may stand, `in` and `notin` are plain identifiers. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    while (true) {
      const token = this.#peek();
      if (token.kind === 'end') return requirements;
      if (token.kind !== 'identifier' && token.kind !== '!')
        throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`);
        throw error;
      }
      const after = this.#next();
      if (after.kind === 'end') return requirements;
      if (after.kind !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#peek();
      if (following.kind !== 'identifier' && following.kind !== '!')
        throw new SelectorError(`found '${following.text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    let token = this.#next();
    const negated = token.kind === '!';
    if (negated) token = this.#next();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const errors = isQualifiedName(key);
    if (errors.length > 0) {
      const { field, body } = invalid('<nil>', key, errors.join('; '));
      throw new SelectorError(`${field}: ${body}`);
    }
    const { kind } = this.#peek();
    if (negated) return newRequirement(key, '!', []);
    if (kind === 'end' || kind === ',') return newRequirement(key, 'exists', []);
    const word = this.#tokens[this.#at]!;
    this.#at++;
    const operator = operatorOf[word.kind];
    if (operator === undefined)
      throw new SelectorError(`found '${word.text}', expected: ${binaryOperators.join(', ')}`);
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    return newRequirement(key, operator, values);
  }

  #exactValue(): string {
    const { kind } = this.#peek();
    if (kind === 'end' || kind === ',') return '';
    const token = this.#next();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #values(): string[] {
    const open = this.#next();
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ')') {
      this.#next();
      return [''];
    }
    if (first.kind !== 'identifier' && first.kind !== ',')
      throw new SelectorError(`found '${first.text}', expected: ',', ')' or identifier`);
    const values = this.#identifiers();
    if (this.#next().kind !== ')') throw new SelectorError(`found '${first.text}', expected: ')'`);
    return [...values].sort();
  }

  /** Stops before the closing parenthesis. Nothing between commas is the empty value. */
  #identifiers(): Set<string> {
    const out = new Set<string>();
    while (true) {
      const token = this.#next();
      if (token.kind === 'identifier') {
        out.add(token.text);
        const after = this.#peek();
        if (after.kind === ')') return out;
        if (after.kind !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (out.size === 0) out.add('');
        const after = this.#peek();
        if (after.kind === ')') {
          out.add('');
          return out;
        }
        if (after.kind === ',') out.add('');
      } else {
        throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }
}

/** Throws SelectorError. The empty text selects everything. */
export function parseLabelSelector(text: string): LabelSelector {
  return LabelSelector.of(new Parser(scan(text)).parse());
}
