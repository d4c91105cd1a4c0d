/** Types of CEL's checker. */

export type PrimitiveKind =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration';

export type CelType =
  | { readonly kind: PrimitiveKind; readonly size?: SizeRange }
  | { readonly kind: 'list'; readonly item: CelType; readonly size?: SizeRange }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType; readonly size?: SizeRange }
  | ObjectType
  /** Types that are known by name: `kubernetes.IP`, `optional_type(T)`, `type(T)`. */
  | { readonly kind: 'opaque'; readonly name: string; readonly params: readonly CelType[] }
  /** A type parameter of a function. */
  | { readonly kind: 'param'; readonly name: string };

/** How large a value may be: characters of a string, items of a list, entries of a map. */
export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** By the name that expressions use (escaped). Asked for when it is needed: types may refer to themselves. */
  readonly fields: ReadonlyMap<string, ObjectField>;
}

export interface ObjectField {
  /** The member of the JSON object. */
  readonly name: string;
  readonly type: CelType;
}

const primitive = (kind: PrimitiveKind): CelType => ({ kind });
export const dyn = primitive('dyn');
export const bool = primitive('bool');
export const int = primitive('int');
export const uint = primitive('uint');
export const double = primitive('double');
export const string = primitive('string');
export const bytes = primitive('bytes');
export const nullType = primitive('null');
export const timestamp = primitive('timestamp');
export const duration = primitive('duration');

export const listOf = (item: CelType, size?: SizeRange): CelType => ({ kind: 'list', item, ...(size ? { size } : {}) });
export const mapOf = (key: CelType, value: CelType, size?: SizeRange): CelType => ({
  kind: 'map',
  key,
  value,
  ...(size ? { size } : {}),
});
export const opaque = (name: string, ...params: CelType[]): CelType => ({ kind: 'opaque', name, params });
export const optionalOf = (type: CelType): CelType => opaque('optional_type', type);
export const typeOf = (type: CelType): CelType => opaque('type', type);
export const param = (name: string): CelType => ({ kind: 'param', name });

const names: Readonly<Record<string, CelType>> = {
  dyn,
  bool,
  int,
  uint,
  double,
  string,
  bytes,
  null_type: nullType,
  timestamp,
  duration,
};

/** Reads `list(A)`, `map(string, dyn)`, `kubernetes.IP`, `optional_type(T)`; single capitals are parameters. */
export function parseType(text: string): CelType {
  const open = text.indexOf('(');
  if (open < 0) return names[text] ?? (/^[A-Z]$/.test(text) ? param(text) : opaque(text));
  const name = text.slice(0, open);
  const args = splitArgs(text.slice(open + 1, -1)).map(parseType);
  if (name === 'list') return listOf(args[0]!);
  if (name === 'map') return mapOf(args[0]!, args[1]!);
  return opaque(name, ...args);
}

/** At commas that are in no parentheses. */
export function splitArgs(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if ((char === ',' && depth === 0) || char === undefined) {
      const part = text.slice(start, i).trim();
      if (part !== '') out.push(part);
      start = i + 1;
    }
  }
  return out;
}

/** As cel-go prints it in messages. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.item)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'object':
      return type.name;
    case 'opaque':
      return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(typeText).join(', ')})`;
    case 'param':
      return type.name;
    case 'null':
      return 'null_type';
    default:
      return type.kind === 'timestamp' || type.kind === 'duration'
        ? `google.protobuf.${type.kind === 'timestamp' ? 'Timestamp' : 'Duration'}`
        : type.kind;
  }
}

/** Type parameters that have been bound while a call was checked. */
export type Bindings = Map<string, CelType>;

/** Whether a value of `given` may stand where `wanted` is declared; binds parameters of `wanted`. */
export function assignable(wanted: CelType, given: CelType, bindings: Bindings): boolean {
  if (given.kind === 'dyn' || wanted.kind === 'dyn') return true;
  if (wanted.kind === 'param') {
    const bound = bindings.get(wanted.name);
    if (!bound || bound.kind === 'dyn') {
      bindings.set(wanted.name, given);
      return true;
    }
    if (given.kind === 'param') return true;
    if (assignable(bound, given, bindings)) return true;
    if (assignable(given, bound, bindings)) {
      bindings.set(wanted.name, given);
      return true;
    }
    return false;
  }
  if (given.kind === 'param') return true;
  // null stands for any object, and for what may be absent.
  if (given.kind === 'null' && ['object', 'timestamp', 'duration', 'opaque'].includes(wanted.kind)) return true;
  switch (wanted.kind) {
    case 'list':
      return given.kind === 'list' && assignable(wanted.item, given.item, bindings);
    case 'map':
      return (
        given.kind === 'map' &&
        assignable(wanted.key, given.key, bindings) &&
        assignable(wanted.value, given.value, bindings)
      );
    case 'object':
      return given.kind === 'object' && given.name === wanted.name;
    case 'opaque':
      return (
        given.kind === 'opaque' &&
        given.name === wanted.name &&
        // Types of whatever kind compare.
        (wanted.name === 'type' ||
          wanted.params.every((p, i) => given.params[i] === undefined || assignable(p, given.params[i]!, bindings)))
      );
    default:
      return given.kind === wanted.kind;
  }
}

/** The type with its parameters filled in; unbound ones are dyn. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case 'param':
      return bindings.get(type.name) ?? dyn;
    case 'list':
      return listOf(substitute(type.item, bindings), type.size);
    case 'map':
      return mapOf(substitute(type.key, bindings), substitute(type.value, bindings), type.size);
    case 'opaque':
      return opaque(type.name, ...type.params.map((p) => substitute(p, bindings)));
    default:
      return type;
  }
}

/** One type for values of both; dyn when they have nothing in common. */
export function join(a: CelType, b: CelType): CelType {
  if (a === b) return a;
  if (a.kind === 'param') return b;
  if (b.kind === 'param') return a;
  return assignable(a, b, new Map()) && assignable(b, a, new Map()) ? a : dyn;
}
