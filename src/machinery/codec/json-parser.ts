/**
 * The exact JSON parser: slower than JSON.parse, and used only where that one would lose something. It keeps integers
 * beyond 2^53 as bigint, keeps `__proto__` as a key like any other, reports duplicate keys with their paths, and words
 * its errors as Go's decoder does. Objects have no prototype.
 */

/**
 * Deeper nesting is refused: a body of a few KB must not overflow the stack, here or in whatever walks the value later.
 * Go's decoder draws the line at 10,000, with the same message; no object of any kind comes near either.
 */
export const maxDepth = 1000;

/** Malformed JSON. The message is Go's: `invalid character 'x' looking for beginning of value`. */
export class JsonSyntaxError extends Error {
  /** Bytes read when the error was seen. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'JsonSyntaxError';
    this.offset = offset;
  }
}

export interface ParsedJson {
  readonly value: unknown;
  /** Paths of keys given more than once, each once, in order: `spec.containers[0].image`. The last value counts. */
  readonly duplicates: readonly string[];
}

/** Parses one JSON value that fills the whole text. Throws JsonSyntaxError. */
export function parseExact(text: string): ParsedJson {
  const parser = new Parser(text);
  const value = parser.document();
  return { value, duplicates: [...parser.duplicates] };
}

/** How Go quotes a character in such an error. */
function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  readonly duplicates = new Set<string>();
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
    return value;
  }

  #fail(context: string): never {
    if (this.#at >= this.#text.length) throw new JsonSyntaxError('unexpected end of JSON input', this.#at);
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    throw new JsonSyntaxError(`invalid character ${quoteChar(char)} ${context}`, this.#at + 1);
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #value(): unknown {
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.#at++;
    return value;
  }

  #number(): number | bigint {
    const start = this.#at;
    const text = this.#text;
    const digits = (): void => {
      while (text[this.#at]! >= '0' && text[this.#at]! <= '9') this.#at++;
    };
    const isDigit = (): boolean => text[this.#at]! >= '0' && text[this.#at]! <= '9';
    if (text[this.#at] === '-') {
      this.#at++;
      if (!isDigit()) this.#fail('in numeric literal');
    }
    if (!isDigit()) this.#fail('looking for beginning of value');
    if (text[this.#at] === '0') this.#at++;
    else digits();
    let integer = true;
    if (text[this.#at] === '.') {
      integer = false;
      this.#at++;
      if (!isDigit()) this.#fail('after decimal point in numeric literal');
      digits();
    }
    if (text[this.#at] === 'e' || text[this.#at] === 'E') {
      integer = false;
      this.#at++;
      if (text[this.#at] === '+' || text[this.#at] === '-') this.#at++;
      if (!isDigit()) this.#fail('in exponent of numeric literal');
      digits();
    }
    const literal = text.slice(start, this.#at);
    const value = Number(literal);
    return integer && !Number.isSafeInteger(value) ? BigInt(literal) : value;
  }

  #string(): string {
    const text = this.#text;
    let out = '';
    let start = ++this.#at;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code === 0x22) {
        out += text.slice(start, this.#at++);
        return out;
      }
      if (code === 0x5c) {
        out += text.slice(start, this.#at++);
        out += this.#escape();
        start = this.#at;
      } else if (code < 0x20 || Number.isNaN(code)) {
        this.#fail('in string literal');
      } else {
        this.#at++;
      }
    }
  }

  #escape(): string {
    const char = this.#text[this.#at] ?? '';
    const simple = escapes[char];
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    if (char !== 'u') this.#fail('in string escape code');
    this.#at++;
    const start = this.#at;
    while (this.#at < start + 4) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.#fail('in \\u hexadecimal character escape');
      this.#at++;
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(start, this.#at), 16));
  }

  #enter(step: string | number): void {
    if (this.#path.push(step) > maxDepth) throw new JsonSyntaxError('exceeded max depth', this.#at);
  }

  #array(): unknown[] {
    const out: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return out;
    }
    for (;;) {
      this.#enter(out.length);
      out.push(this.#value());
      this.#path.pop();
      this.#space();
      const char = this.#text[this.#at];
      if (char !== ',' && char !== ']') this.#fail('after array element');
      this.#at++;
      if (char === ']') return out;
    }
  }

  #object(): Record<string, unknown> {
    const out: Record<string, unknown> = Object.create(null);
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return out;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
      const key = this.#string();
      this.#enter(key);
      if (key in out) this.duplicates.add(pathText(this.#path));
      this.#space();
      if (this.#text[this.#at] !== ':') this.#fail('after object key');
      this.#at++;
      out[key] = this.#value();
      this.#path.pop();
      this.#space();
      const char = this.#text[this.#at];
      if (char !== ',' && char !== '}') this.#fail('after object key:value pair');
      this.#at++;
      if (char === '}') return out;
    }
  }
}

/** `spec.containers[0].image`. */
export function pathText(path: readonly (string | number)[]): string {
  let out = '';
  for (const step of path) out += typeof step === 'number' ? `[${step}]` : out === '' ? step : `.${step}`;
  return out;
}
