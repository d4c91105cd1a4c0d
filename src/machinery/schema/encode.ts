/**
 * Typed objects to JSON text as Go's encoder writes them: fields in the order of the Go struct, maps sorted by the bytes
 * of their keys, zero values written or left out by Go's rules, `<`, `>` and `&` escaped. Fields the type does not know
 * are left out.
 */
import { escapeHtml, stringifyJson } from '../codec/json.ts';
import { isEmptyValue } from './decode.ts';
import type { Field, StructType, ValueType } from './table.ts';

/** JSON text of an object of this type, without a trailing newline. The object is only read. */
export function encodeStruct(type: StructType, object: object): string {
  return writeStruct(type, object as Record<string, unknown>);
}

/** What writing a field needs, worked out once a type. */
interface Plan {
  readonly name: string;
  /** `"replicas":` */
  readonly key: string;
  /** What stands for an absent value; '' when the field is left out. */
  readonly absent: string;
  /** Leave out present values that are empty too. */
  readonly dropEmpty: boolean;
  /** What stands for an empty list or map (only where it is not left out); '' to write it as it is. */
  readonly empty: string;
  readonly value: ValueType;
}

const plans = new WeakMap<StructType, readonly Plan[]>();

function planOf(type: StructType): readonly Plan[] {
  let plan = plans.get(type);
  if (!plan) {
    plan = type.fields.map((field) => fieldPlan(type, field));
    plans.set(type, plan);
  }
  return plan;
}

/**
 * Lists without omitempty: storage loses the difference between nil and empty, so stored kinds are served with null. What
 * is never stored (reviews, lists) is answered as it was built: [].
 */
const keepsEmptyLists = (type: StructType, field: Field): boolean =>
  ['meta', 'authorization.k8s.io', 'authentication.k8s.io'].includes(type.group) ||
  (field.name === 'items' && type.name.endsWith('List'));

function fieldPlan(type: StructType, field: Field): Plan {
  const { name, value, pointer } = field;
  const container = value.kind === 'list' || value.kind === 'map';
  const structLike = ['struct', 'time', 'microTime', 'duration', 'quantity', 'intOrString'].includes(value.kind);
  const free = value.kind === 'any' && !pointer;
  const omitted = field.omitZero || (field.omitEmpty && (pointer || !(structLike || free)));
  const keepsEmpty = keepsEmptyLists(type, field);
  const nilBytes = value.kind === 'bytes';
  const nil = container && keepsEmpty ? (value.kind === 'list' ? '[]' : '{}') : 'null';
  return {
    name,
    key: `${JSON.stringify(name)}:`,
    absent: omitted ? '' : pointer || container || free || nilBytes ? nil : zeroText(value),
    dropEmpty: field.omitEmpty && !pointer && !structLike && !free,
    empty: container && !pointer && !keepsEmpty ? 'null' : '',
    value,
  };
}

function zeroText(value: ValueType): string {
  switch (value.kind) {
    case 'struct':
      return writeStruct(value.struct, {});
    case 'string':
    case 'bytes':
      return '""';
    case 'boolean':
      return 'false';
    case 'int32':
    case 'int64':
    case 'float64':
    case 'intOrString':
      return '0';
    case 'quantity':
      return '"0"';
    case 'duration':
      return '"0s"';
    default:
      return 'null';
  }
}

function writeStruct(type: StructType, object: Record<string, unknown>): string {
  let out = '{';
  for (const field of planOf(type)) {
    const value = object[field.name];
    let text: string;
    if (value === undefined || value === null) text = field.absent;
    else if (field.dropEmpty && isEmptyValue(value)) continue;
    else if (field.empty !== '' && isEmptyValue(value)) text = field.empty;
    else text = writeValue(field.value, value);
    if (text !== '') out += (out.length > 1 ? ',' : '') + field.key + text;
  }
  return `${out}}`;
}

function writeValue(type: ValueType, value: unknown): string {
  switch (type.kind) {
    case 'struct':
      return value === null || value === undefined
        ? writeStruct(type.struct, {})
        : writeStruct(type.struct, value as Record<string, unknown>);
    case 'list': {
      const list = value as readonly unknown[];
      let out = '[';
      for (let i = 0; i < list.length; i++) out += (i > 0 ? ',' : '') + writeValue(type.items, list[i]);
      return `${out}]`;
    }
    case 'map':
      return writeMap(type.values, value as Record<string, unknown>);
    case 'any':
      return stringifyJson(value);
    default:
      if (typeof value === 'string') return quote(value);
      return value === null || value === undefined ? zeroText(type) : String(value);
  }
}

function writeMap(values: ValueType, map: Record<string, unknown>): string {
  let out = '{';
  for (const key of sortedKeys(map))
    out += `${(out.length > 1 ? ',' : '') + quote(key)}:${writeValue(values, map[key])}`;
  return `${out}}`;
}

/** Keys in the order of their UTF-8 bytes; that is the order of code points. */
export function sortedKeys(map: object): string[] {
  const keys = Object.keys(map);
  if (keys.length < 2) return keys;
  keys.sort();
  return keys.some((key) => /[\ud800-\udfff]/.test(key)) ? keys.sort(compareCodePoints) : keys;
}

function compareCodePoints(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < x.length && i < y.length; i++)
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  return x.length - y.length;
}

const plain = /^[ !#-%'-;=?-[\]-~]*$/;

/**
 * Short plain text (nothing to escape, `<`, `>` and `&` included) skips the native call, whose price is in being called,
 * and the search for characters that only Go escapes.
 */
function quote(text: string): string {
  return text.length < 200 && plain.test(text) ? `"${text}"` : escapeHtml(JSON.stringify(text));
}
