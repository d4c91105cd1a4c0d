/**
 * Go's text/template, as far as Stages need it:
 *
 *   {{ pipeline }}   {{- trims -}}   {{/* comments *\/}}
 *   {{ if p }} {{ else if p }} {{ else }} {{ end }}      {{ with p }} {{ else }} {{ end }}
 *   {{ range p }} {{ else }} {{ end }}                   {{ range $i, $item := p }}
 *   {{ $x := p }}   {{ $x = p }}
 *
 * A pipeline is commands joined by `|`; a command is a function and its arguments, or one operand: `.`, `.a.b`, `$x.a`,
 * a string, a number, true, false, nil, or a pipeline in parentheses.
 */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | { readonly kind: 'assign'; readonly variable: string; readonly declare: boolean; readonly pipeline: Pipeline }
  | ({ readonly kind: 'if' | 'with'; readonly pipeline: Pipeline; readonly variable?: string } & Branches)
  | ({ readonly kind: 'range'; readonly pipeline: Pipeline; readonly variables: readonly string[] } & Branches);

interface Branches {
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

export type Pipeline = readonly Command[];
export type Command = readonly Operand[];
export type Operand =
  | { readonly kind: 'dot'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly path: readonly string[] };

interface Piece {
  readonly text?: string;
  readonly action?: string;
  readonly line: number;
}

export function parseTemplate(source: string): readonly TemplateNode[] {
  const parser = new TemplateParser(split(source));
  return parser.all();
}

/** Texts and actions in turn, trim markers already applied. */
function split(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  let at = 0;
  let line = 1;
  const addText = (raw: string, trimEnd: boolean) => {
    let text = trimNext ? raw.trimStart() : raw;
    if (trimEnd) text = text.trimEnd();
    if (text !== '') pieces.push({ text, line });
    line += raw.split('\n').length - 1;
  };
  for (;;) {
    const open = source.indexOf('{{', at);
    if (open < 0) {
      addText(source.slice(at), false);
      return pieces;
    }
    const close = source.indexOf('}}', open);
    if (close < 0) throw new Error(`reading the template, line ${line}: '{{' without '}}'`);
    let action = source.slice(open + 2, close);
    const trimBefore = /^-\s/.test(action);
    if (trimBefore) action = action.slice(1);
    addText(source.slice(at, open), trimBefore);
    trimNext = /\s-$/.test(action);
    if (trimNext) action = action.slice(0, -1);
    action = action.trim();
    if (!action.startsWith('/*')) pieces.push({ action, line });
    line += action.split('\n').length - 1;
    at = close + 2;
  }
}

class TemplateParser {
  readonly #pieces: readonly Piece[];
  #at = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  all(): readonly TemplateNode[] {
    const nodes = this.#nodes();
    const rest = this.#pieces[this.#at];
    if (rest !== undefined) throw new Error(`reading the template, line ${rest.line}: unexpected {{${rest.action}}}`);
    return nodes;
  }

  /** Up to `else` or `end`, which is left for the caller. */
  #nodes(): readonly TemplateNode[] {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at];
      if (piece === undefined || /^(?:else|end)\b/.test(piece.action ?? '')) return nodes;
      this.#at++;
      if (piece.text !== undefined) nodes.push({ kind: 'text', text: piece.text });
      else nodes.push(this.#action(piece.action!, piece.line));
    }
  }

  #action(action: string, line: number): TemplateNode {
    const block = /^(if|with|range)\s+([\s\S]*)$/.exec(action);
    if (block !== null) return this.#block(block[1] as 'if' | 'with' | 'range', block[2]!, line);
    const assign = /^\$(\w+)\s*(:?=)(?!=)\s*([\s\S]*)$/.exec(action);
    if (assign !== null)
      return {
        kind: 'assign',
        variable: assign[1]!,
        declare: assign[2] === ':=',
        pipeline: parsePipeline(assign[3]!, line),
      };
    return { kind: 'output', pipeline: parsePipeline(action, line) };
  }

  #block(kind: 'if' | 'with' | 'range', head: string, line: number): TemplateNode {
    const declared = /^\$(\w+)\s*(?:,\s*\$(\w+)\s*)?:=\s*([\s\S]*)$/.exec(head);
    const variables = declared === null ? [] : [declared[1]!, ...(declared[2] === undefined ? [] : [declared[2]])];
    const pipeline = parsePipeline(declared?.[3] ?? head, line);
    const body = this.#nodes();
    const otherwise = this.#otherwise(line);
    if (kind === 'range') return { kind, pipeline, variables, body, otherwise };
    return { kind, pipeline, body, otherwise, ...(variables[0] === undefined ? {} : { variable: variables[0] }) };
  }

  #otherwise(line: number): readonly TemplateNode[] {
    const piece = this.#pieces[this.#at++];
    if (piece === undefined) throw new Error(`reading the template, line ${line}: a block without {{end}}`);
    if (piece.action === 'end') return [];
    const chained = /^else\s+(if|with)\s+([\s\S]*)$/.exec(piece.action!);
    if (chained !== null) return [this.#block(chained[1] as 'if' | 'with', chained[2]!, piece.line)];
    const nodes = this.#nodes();
    if (this.#pieces[this.#at++]?.action !== 'end')
      throw new Error(`reading the template, line ${piece.line}: {{else}} without {{end}}`);
    return nodes;
  }
}

const token =
  /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|(\$\w*(?:\.\w+)*)|((?:\.\w+)+|\.)|([A-Za-z]\w*)|([()|]))/y;

function parsePipeline(text: string, line: number): Pipeline {
  const tokens: RegExpExecArray[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (match === null) throw new Error(`reading the template, line ${line}: cannot read '${text}'`);
    tokens.push(match);
  }
  let at = 0;
  const fail = (): never => {
    throw new Error(`reading the template, line ${line}: cannot read '${text}'`);
  };

  function pipeline(): Pipeline {
    const commands: Command[] = [];
    let command: Operand[] = [];
    for (; at < tokens.length && tokens[at]![6] !== ')'; at++) {
      const t = tokens[at]!;
      if (t[6] === '|') {
        if (command.length === 0) fail();
        commands.push(command);
        command = [];
      } else command.push(operand(t));
    }
    if (command.length === 0) fail();
    return [...commands, command];
  }

  function operand(t: RegExpExecArray): Operand {
    const [, string, number, variable, path, word, punctuation] = t;
    if (string !== undefined)
      return { kind: 'literal', value: string[0] === '`' ? string.slice(1, -1) : JSON.parse(string) };
    if (number !== undefined) return { kind: 'literal', value: Number(number) };
    if (variable !== undefined) {
      const [name, ...fields] = variable.slice(1).split('.');
      return { kind: 'variable', name: name!, path: fields };
    }
    if (path !== undefined) return { kind: 'dot', path: path.split('.').filter((part) => part !== '') };
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    if (word === 'nil') return { kind: 'literal', value: undefined };
    if (word !== undefined) return { kind: 'function', name: word };
    if (punctuation !== '(') fail();
    at++;
    const inner = pipeline();
    if (tokens[at]?.[6] !== ')') fail();
    // A path right behind the parenthesis, without a space, belongs to it.
    const next = tokens[at + 1];
    if (next?.[4] !== undefined && next[4] !== '.' && next[0][0] === '.') {
      at++;
      return { kind: 'pipeline', pipeline: inner, path: next[4].split('.').filter((part) => part !== '') };
    }
    return { kind: 'pipeline', pipeline: inner, path: [] };
  }

  const parsed = pipeline();
  if (at < tokens.length) fail();
  return parsed;
}
