/**
 * JSON in and out, exact where JavaScript's own loses data, and as fast where it does not.
 *
 * In: `parseJson(bytes)`. Integers beyond 2^53 come as bigint, `__proto__` stays an ordinary own key, duplicate keys are
 * found, errors are worded as Go's. One scan over the text decides whether JSON.parse alone is exact for it; if not, the
 * slower parser of json-parser.ts does the work.
 *
 * Out: `stringifyJson(value)` and `encodeValue(value)` write a free value as Go's encoder does: `<`, `>` and `&` escaped,
 * bigint as digits; keys stay in the order they are in. Typed objects are written by machinery/schema (`Schema.encode`),
 * which knows the order of fields and sorts maps.
 */
import { JsonSyntaxError, maxDepth, parseExact, type ParsedJson } from './json-parser.ts';

export { JsonSyntaxError, maxDepth, pathText, type ParsedJson } from './json-parser.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
const none: readonly string[] = [];

export interface ParseOptions {
  /** Look for duplicate keys (a count over all keys; only a text that has some pays for their paths). */
  readonly findDuplicates?: boolean;
}

/** Parses a whole body. Throws JsonSyntaxError. The value is the caller's own. */
export function parseJson(bytes: Uint8Array | string, options: ParseOptions = {}): ParsedJson {
  const text = typeof bytes === 'string' ? bytes : decoder.decode(bytes);
  if (text.includes('__proto__')) return parseExact(text); // assignment elsewhere would lose the key
  const scan = scanText(text);
  if (scan.exactNeeded) return parseExact(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return parseExact(text); // for the words of the error
  }
  if (options.findDuplicates && countKeys(value) !== scan.keys) return parseExact(text);
  return { value, duplicates: none };
}

/**
 * What JSON.parse would lose: a run of 16 digits or more outside strings (an integer that may not be safe), the key
 * `__proto__`, and nesting that could overflow. Also counts the keys (colons outside strings).
 */
function scanText(text: string): { readonly exactNeeded: boolean; readonly keys: number } {
  let keys = 0;
  let digits = 0;
  let depth = 0;
  let exactNeeded = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (++digits >= 16) exactNeeded = true;
      continue;
    }
    digits = 0;
    if (code === 0x22) {
      // To the closing quote: the next one with an even number of backslashes before it.
      for (;;) {
        i = text.indexOf('"', i + 1);
        if (i < 0) return { exactNeeded: true, keys };
        let back = i - 1;
        while (text.charCodeAt(back) === 0x5c) back--;
        if ((i - back) % 2 === 1) break;
      }
    } else if (code === 0x3a) {
      keys++;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) exactNeeded = true;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return { exactNeeded, keys };
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item);
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    count++;
    const item = object[key];
    if (typeof item === 'object' && item !== null) count += countKeys(item);
  }
  return count;
}

const htmlChars = /[<>&\u2028\u2029]/;
const htmlCharsAll = /[<>&\u2028\u2029]/g;
const escapeChar = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Escapes what Go's encoder escapes beyond JSON.stringify. Such characters only stand inside strings. */
export function escapeHtml(json: string): string {
  return htmlChars.test(json) ? json.replace(htmlCharsAll, escapeChar) : json;
}

/** JSON text of a free value, keys in the order they are in. undefined members are left out. */
export function stringifyJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return escapeHtml(stringifyWithBigints(value));
  }
  return escapeHtml(text ?? 'null');
}

function stringifyWithBigints(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(stringifyWithBigints).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringifyWithBigints(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** UTF-8 bytes of a free value, without a trailing newline. */
export const encodeValue = (value: unknown): Uint8Array => encoder.encode(stringifyJson(value));

/** UTF-8 bytes of a text. */
export const encodeText = (text: string): Uint8Array => encoder.encode(text);

/** The text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD, as in Go. */
export const decodeText = (bytes: Uint8Array): string => decoder.decode(bytes);

/** The message of malformed JSON, however it was found. */
export const isJsonSyntaxError = (error: unknown): error is JsonSyntaxError => error instanceof JsonSyntaxError;
