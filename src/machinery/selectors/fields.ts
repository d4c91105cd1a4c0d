/** Field selectors, as in `?fieldSelector=`: `key=value,key!=value`, with `\`, `,` and `=` escaped in values. */
import { SelectorError } from './labels.ts';

export interface FieldTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  /** Unescaped. */
  readonly value: string;
}

/** Immutable. All terms must hold. */
export class FieldSelector {
  readonly terms: readonly FieldTerm[];

  constructor(terms: readonly FieldTerm[]) {
    this.terms = terms;
  }

  static readonly everything = new FieldSelector([]);

  get empty(): boolean {
    return this.terms.length === 0;
  }

  /** The terms about these fields. */
  only(isWanted: (field: string) => boolean): FieldSelector {
    return new FieldSelector(this.terms.filter(({ field }) => isWanted(field)));
  }

  /** `get` gives the field's text, '' when it is unset. */
  matches(get: (field: string) => string): boolean {
    for (const term of this.terms) if ((get(term.field) === term.value) !== (term.operator === '=')) return false;
    return true;
  }

  /** The value that a field must have, if a term says so. */
  requiresExactMatch(field: string): string | undefined {
    return this.terms.find((term) => term.operator === '=' && term.field === field)?.value;
  }

  toString(): string {
    return this.terms.map((t) => `${t.field}${t.operator}${escapeFieldValue(t.value)}`).join(',');
  }
}

export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

function unescapeValue(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\') {
      const next = text[++i];
      if (next !== '\\' && next !== ',' && next !== '=')
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      out += next;
    } else if (c === ',' || c === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`);
    } else out += c;
  }
  return out;
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

/** Throws SelectorError. Which fields may be named is the caller's to check. */
export function parseFieldSelector(text: string): FieldSelector {
  const terms: FieldTerm[] = [];
  for (const part of splitTerms(text).sort()) {
    if (part === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
    if (match === null) throw new SelectorError(`invalid selector: '${text}'; can't understand '${part}'`);
    // Nothing compared with nothing says nothing.
    if (match[1] === '' && match[3] === '') continue;
    terms.push({ field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value: unescapeValue(match[3]!) });
  }
  return terms.length === 0 ? FieldSelector.everything : new FieldSelector(terms);
}
