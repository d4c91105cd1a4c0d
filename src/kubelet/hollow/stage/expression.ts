/**
 * The paths that Stages select by, a small part of jq:
 *
 *   .metadata.name          a field            .metadata.labels["a.b/c"]   a field with any name
 *   .spec.containers.[]     every item         .spec.containers[].image    the same
 *   a | b                   b of what a gives  select(.type == "Ready")    what passes (also !=, or a path alone)
 *
 * A path gives every value it reaches; absent and null ones are left out.
 */
type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'each' }
  | {
      readonly kind: 'select';
      readonly path: readonly Step[];
      readonly operator?: '==' | '!=';
      readonly value?: unknown;
    };

export interface Expression {
  readonly text: string;
  /** All values that the path reaches. */
  evaluate(object: unknown): readonly unknown[];
}

const tokens = /\s*(?:("(?:[^"\\]|\\.)*")|(==|!=|[.|()[\]])|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w-]*))/y;

/** Throws with the expression and the place that cannot be read. */
export function parseExpression(text: string): Expression {
  const parser = new Parser(text);
  const steps = parser.pipeline();
  parser.end();
  return { text, evaluate: (object) => run(steps, [object]) };
}

class Parser {
  readonly #text: string;
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    tokens.lastIndex = 0;
    while (tokens.lastIndex < text.trimEnd().length) {
      const at = tokens.lastIndex;
      const match = tokens.exec(text);
      if (match === null) throw new Error(`reading the expression '${text}': unexpected character at ${at + 1}`);
      this.#tokens.push(match[0].trim());
    }
  }

  pipeline(): readonly Step[] {
    const steps = [...this.#term()];
    while (this.#take('|')) steps.push(...this.#term());
    return steps;
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail();
  }

  #term(): readonly Step[] {
    if (this.#take('select')) {
      this.#expect('(');
      const path = this.#path();
      const operator = this.#take('==') ? ('==' as const) : this.#take('!=') ? ('!=' as const) : undefined;
      const value = operator === undefined ? undefined : this.#literal();
      this.#expect(')');
      return [{ kind: 'select', path, ...(operator === undefined ? {} : { operator, value }) }];
    }
    return this.#path();
  }

  #path(): readonly Step[] {
    const steps: Step[] = [];
    if (this.#peek() !== '.') this.#fail();
    for (;;) {
      if (this.#take('.')) {
        const next = this.#peek();
        if (next !== undefined && /^[A-Za-z_]/.test(next)) steps.push({ kind: 'field', name: this.#next() });
        else if (next?.startsWith('"')) steps.push({ kind: 'field', name: JSON.parse(this.#next()) as string });
      } else if (this.#take('[')) {
        if (this.#take(']')) {
          steps.push({ kind: 'each' });
          continue;
        }
        const inner = this.#literal();
        if (typeof inner === 'number') steps.push({ kind: 'index', index: inner });
        else steps.push({ kind: 'field', name: String(inner) });
        this.#expect(']');
      } else return steps;
    }
  }

  #literal(): unknown {
    const token = this.#next();
    if (/^["\d-]/.test(token) || token === 'true' || token === 'false' || token === 'null') return JSON.parse(token);
    this.#at--;
    return this.#fail();
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    return token ?? this.#fail();
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail();
  }

  #fail(): never {
    const found = this.#tokens[this.#at];
    throw new Error(
      `reading the expression '${this.#text}': ${found === undefined ? 'unexpected end' : `unexpected '${found}'`}`,
    );
  }
}

function run(steps: readonly Step[], values: readonly unknown[]): readonly unknown[] {
  let current = values;
  for (const step of steps) current = current.flatMap((value) => apply(step, value));
  return current.filter((value) => value !== undefined && value !== null);
}

function apply(step: Step, value: unknown): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return typeof value === 'object' && value !== null && Object.hasOwn(value, step.name)
        ? [(value as Record<string, unknown>)[step.name]]
        : [];
    case 'index':
      return Array.isArray(value) ? [value.at(step.index)] : [];
    case 'each':
      return Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : [];
    case 'select': {
      const found = run(step.path, [value]);
      if (step.operator === undefined) return found.some((v) => v !== false) ? [value] : [];
      const equal = step.value === null ? found.length === 0 : found.some((v) => v === step.value);
      return equal === (step.operator === '==') ? [value] : [];
    }
  }
}
