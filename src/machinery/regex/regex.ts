/**
 * Regular expressions of the API (Go's RE2 syntax) on JavaScript's engine.
 *
 * RE2 takes time linear in the text; JavaScript's engine backtracks. So expressions in which an unbounded repetition
 * stands inside another, or follows one that can take the same text over and over, only see texts up to a length at which
 * that costs little; beyond it, `RegexTooCostly` is thrown. What RE2 has and JavaScript has not is translated; look-around
 * and back-references, which RE2 has not, are refused.
 */

/** Longest text, in UTF-16 units, for expressions that may backtrack without end. */
const maxRiskyLength = 64;

export class RegexTooCostly extends Error {}

export interface Regex {
  /** Whether it matches somewhere in the text. */
  test(text: string): boolean;
  /** The first match and its groups. */
  exec(text: string, from?: number): RegExpExecArray | null;
  readonly source: string;
}

const compiled = new Map<string, Regex>();
/** Expressions that are kept compiled; all are dropped when there are more. */
const maxCompiled = 5_000;

/** Throws an Error in Go's words when it is no regular expression. */
export function compileRegex(source: string): Regex {
  const known = compiled.get(source);
  if (known) return known;
  const regex = compile(source);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(source, regex);
  return regex;
}

function compile(source: string): Regex {
  const { pattern, flags } = translate(source);
  let js: RegExp;
  try {
    js = new RegExp(pattern, `${flags}gu`);
  } catch (cause) {
    try {
      // Escapes of plain characters, which RE2 takes and the unicode mode of JavaScript does not.
      js = new RegExp(pattern, `${flags}g`);
    } catch {
      throw new Error(`error parsing regexp: ${reasonOf(source)}`, { cause });
    }
  }
  const risky = mayBacktrack(pattern);
  const guard = (text: string) => {
    if (risky && text.length > maxRiskyLength)
      throw new RegexTooCostly(
        `matching a text of ${text.length} characters against ${source}: with nested repetitions, texts may have ${maxRiskyLength} at most`,
      );
  };
  return {
    source,
    test(text) {
      guard(text);
      js.lastIndex = 0;
      return js.test(text);
    },
    exec(text, from = 0) {
      guard(text);
      js.lastIndex = from;
      return js.exec(text);
    },
  };
}

/** What is most often wrong, as Go says it. */
function reasonOf(source: string): string {
  let depth = 0;
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === '\\') {
      if (i + 1 === source.length) return 'trailing backslash at end of expression: ``';
      i++;
    } else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth++;
    else if (char === ')' && --depth < 0) return `unexpected ): \`${source}\``;
  }
  if (inClass) return `missing closing ]: \`${source.slice(source.lastIndexOf('['))}\``;
  if (depth > 0) return `missing closing ): \`${source}\``;
  const repeat = /^[*+?]/.exec(source);
  if (repeat) return `missing argument to repetition operator: \`${repeat[0]}\``;
  return `invalid expression: \`${source}\``;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

function translate(source: string): { readonly pattern: string; readonly flags: string } {
  let flags = '';
  let rest = source;
  const leading = /^\(\?([imsU]+)\)/.exec(rest);
  if (leading) {
    for (const flag of leading[1]!) if (flag !== 'U') flags += flag;
    rest = rest.slice(leading[0].length);
  }
  let out = '';
  let inClass = false;
  for (let i = 0; i < rest.length; i++) {
    const char = rest[i]!;
    if (char === '\\') {
      const next = rest[i + 1];
      if (next === undefined) throw new Error('error parsing regexp: trailing backslash at end of expression: ``');
      i++;
      if (!inClass && next === 'A') out += '(?<![\\s\\S])';
      else if (!inClass && next === 'z') out += '(?![\\s\\S])';
      else if (next === 'Q') {
        const end = rest.indexOf('\\E', i + 1);
        const literal = rest.slice(i + 1, end < 0 ? undefined : end);
        out += literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
        i = end < 0 ? rest.length : end + 1;
      } else if (next === 'a') out += '\\x07';
      else if (next === 'x' && rest[i + 1] === '{') {
        const end = rest.indexOf('}', i);
        out += `\\u{${rest.slice(i + 2, end)}}`;
        i = end;
      } else if (/[pP]/.test(next) && rest[i + 1] !== '{') out += `\\${next}{${rest[++i] ?? ''}}`;
      else if ((next === 'p' || next === 'P') && rest[i + 1] === '{') {
        const end = rest.indexOf('}', i);
        const name = rest.slice(i + 2, end);
        const negated = name.startsWith('^');
        const bare = negated ? name.slice(1) : name;
        const script = bare.length > 2 ? `Script=${bare}` : bare;
        out += `\\${negated ? (next === 'p' ? 'P' : 'p') : next}{${script}}`;
        i = end;
      } else if (/[1-9]/.test(next)) throw new Error(`error parsing regexp: invalid escape sequence: \`\\${next}\``);
      else if (next === 's') out += inClass ? '\\t\\n\\f\\r ' : '[\\t\\n\\f\\r ]';
      else if (next === 'S' && !inClass) out += '[^\\t\\n\\f\\r ]';
      else if (/[A-Za-z]/.test(next) && !/[bBdDsSwWnrtfvx]/.test(next))
        throw new Error(`error parsing regexp: invalid escape sequence: \`\\${next}\``);
      else if (/[a-zA-Z0-9]/.test(next) || /[\^$\\.*+?()[\]{}|/-]/.test(next))
        out += next === '-' && !inClass ? '-' : `\\${next}`;
      else out += next;
    } else if (inClass) {
      const posix = /^\[:(\^?)(\w+):\]/.exec(rest.slice(i));
      if (posix && Object.hasOwn(posixClasses, posix[2]!) && posix[1] === '') {
        out += posixClasses[posix[2]!];
        i += posix[0].length - 1;
      } else {
        if (char === ']') inClass = false;
        out += char === '[' ? '\\[' : char;
      }
    } else if (char === '[') {
      inClass = true;
      out += '[';
      if (rest[i + 1] === '^') {
        out += '^';
        i++;
      }
      // First in a class, a bracket stands for itself.
      if (rest[i + 1] === ']') {
        out += '\\]';
        i++;
      }
    } else if (char === '(' && rest[i + 1] === '?') {
      const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest.slice(i));
      if (named) {
        out += `(?<${named[1]}>`;
        i += named[0].length - 1;
      } else if (rest.startsWith('(?:', i)) {
        out += '(?:';
        i += 2;
      } else {
        const scoped = /^\(\?[imsU]+:/.exec(rest.slice(i));
        if (!scoped)
          throw new Error(`error parsing regexp: invalid or unsupported Perl syntax: \`${rest.slice(i, i + 3)}\``);
        flags += [...scoped[0].slice(2, -1)].filter((flag) => flag !== 'U' && !flags.includes(flag)).join('');
        out += '(?:';
        i += scoped[0].length - 1;
      }
    } else if (char === '{' && !/^\{\d+(?:,\d*)?\}/.test(rest.slice(i))) out += '\\{';
    else if (char === '{') {
      const repeat = /^\{(\d+)(?:,(\d*))?\}/.exec(rest.slice(i))!;
      if (Number(repeat[1]) > 1000 || Number(repeat[2] ?? 0) > 1000)
        throw new Error(`error parsing regexp: invalid repeat count: \`${repeat[0]}\``);
      out += repeat[0];
      i += repeat[0].length - 1;
    } else if (char === '}') out += '\\}';
    else if (char === ']') out += '\\]';
    else out += char;
  }
  return { pattern: out, flags: [...new Set(flags)].join('') };
}

/** An unbounded repetition of something that itself repeats without bound, or of alternatives. */
function mayBacktrack(pattern: string): boolean {
  const repeats: boolean[] = [];
  const alternatives: boolean[] = [];
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') {
      repeats.push(false);
      alternatives.push(false);
    } else if (char === '|' && alternatives.length > 0) alternatives[alternatives.length - 1] = true;
    else if (char === ')') {
      const inner = repeats.pop() ?? false;
      const chosen = alternatives.pop() ?? false;
      const outer = /^(?:[*+]|\{\d+,\}|\{\d*,?\d{2,}\})/.test(pattern.slice(i + 1));
      if (outer && (inner || chosen) && !isSeparated(pattern, i)) return true;
      if ((outer || inner) && repeats.length > 0) repeats[repeats.length - 1] = true;
    } else if ((char === '*' || char === '+' || /^\{\d+,\}/.test(pattern.slice(i))) && repeats.length > 0)
      repeats[repeats.length - 1] = true;
  }
  return false;
}

/** `(\.[a-z]+)*`: each round starts with a literal that the rest of the round cannot be, so there is one way to match. */
function isSeparated(pattern: string, close: number): boolean {
  let depth = 0;
  let open = close;
  for (; open >= 0; open--) {
    if (pattern[open] === ')' && pattern[open - 1] !== '\\') depth++;
    else if (pattern[open] === '(' && pattern[open - 1] !== '\\' && --depth === 0) break;
  }
  const body = pattern.slice(open + 1, close).replace(/^\?(?::|<\w+>)/, '');
  const literal = /^(?:\\([^a-zA-Z0-9])|([^\\[(.*+?{|^$]))(?![*+?{])/.exec(body);
  if (!literal) return false;
  const char = literal[1] ?? literal[2]!;
  const rest = body.slice(literal[0].length);
  // `.` and negated classes may be the separator; so may a class or a text that names it.
  if (/(?:^|[^\\])\.|\[\^|\\[DSWP]/.test(rest) || rest.includes('|')) return false;
  if (char === '-' ? /-\]|\[-|\\-/.test(rest) || !/\[/.test(rest) : rest.includes(char)) return false;
  return !(/\w/.test(char) && /\[|\\w|\\d/.test(rest));
}
