/**
 * YAML bodies, in and out, in the dialect of upstream's parser: YAML 1.1 (`yes` and `on` are booleans, `012` is ten)
 * without its base-60 numbers and timestamps, and with `0o14`. What comes out is as `parseJson` gives it: exact integers,
 * objects without prototype.
 */
import {
  type CreateNodeOptions,
  type DocumentOptions,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
  stringify,
  type Tags,
} from 'yaml';

/** Malformed YAML: `yaml: line 3: ...`. */
export class YamlSyntaxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`yaml: ${message}`, options);
    this.name = 'YamlSyntaxError';
  }
}

export interface ParsedYaml {
  readonly value: unknown;
  /** What strict decoding objects to: keys given more than once, in upstream's words. The last value counts. */
  readonly strictErrors: readonly string[];
}

const octal = {
  identify: () => false,
  default: true as const,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text: string): bigint => {
    const digits = BigInt(text.replace(/^[-+]/, '').replaceAll('_', ''));
    return text.startsWith('-') ? -digits : digits;
  },
};

const dialect: ParseOptions & DocumentOptions & SchemaOptions = {
  schema: 'yaml-1.1',
  version: '1.1',
  intAsBigInt: true,
  customTags: (tags: Tags): Tags => [
    octal,
    ...tags.filter(
      (tag) =>
        typeof tag === 'string' || !((tag as { format?: string }).format === 'TIME' || /:timestamp$/.test(tag.tag)),
    ),
  ],
};

/** More aliases than this in one document are taken for an attack. */
const maxAliases = 1000;

/** Parses the first document of a body. Empty: null. Throws YamlSyntaxError. */
export function parseYaml(text: string): ParsedYaml {
  const [document] = parseAllDocuments(text, { ...dialect, logLevel: 'silent' });
  if (!document || !('contents' in document)) return { value: null, strictErrors: [] };
  const strictErrors: string[] = [];
  for (const error of document.errors) {
    const line = error.linePos?.[0].line ?? 1;
    const what = error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
    if (error.code !== 'DUPLICATE_KEY') throw new YamlSyntaxError(`line ${line}: ${what}`, { cause: error });
    const key = text.slice(error.pos[0]).match(/^(?:"[^"]*"|'[^']*'|[^\s:]+)/)?.[0] ?? '';
    strictErrors.push(`line ${line}: key ${JSON.stringify(key.replace(/^["']|["']$/g, ''))} already set in map`);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new YamlSyntaxError('document contains excessive aliasing', { cause: error });
  }
  return {
    value: plain(value),
    strictErrors: strictErrors.length > 0 ? [`yaml: unmarshal errors:\n  ${strictErrors.join('\n  ')}`] : [],
  };
}

/** As JSON would have it: safe integers as numbers, maps without prototype, bytes of `!!binary` as their text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new YamlSyntaxError(`json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  const out: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) out[key] = plain((value as Record<string, unknown>)[key]);
  return out;
}

const output: SchemaOptions & CreateNodeOptions = {
  schema: 'yaml-1.1',
  sortMapEntries: true,
  aliasDuplicateObjects: false,
};

/** YAML text of a JSON value, keys sorted, lists not indented, as upstream writes it. Ends with a newline. */
export function stringifyYaml(value: unknown): string {
  return stringify(value, { ...output, version: '1.1', lineWidth: 0, indentSeq: false, blockQuote: 'literal' });
}
