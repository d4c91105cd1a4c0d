/**
 * From parsed JSON to the object as upstream would hold it. What Go's decoder, and a round through storage, do to a typed
 * object is done here once, so that two bodies that mean the same become the same object:
 *
 * - unknown fields are dropped and noted; null is absent;
 * - a zero value that Go would leave out (`omitempty`, no pointer) is absent: `""`, `0`, `false`, `[]`, `{}`;
 * - a zero value that Go always writes is present: scalars as `''`, `0`, `false`, struct values as `{}` (`metadata`,
 *   `spec` of most kinds, `resources` of a container), lists without omitempty as `[]`;
 * - behind a pointer, absent and zero differ and are kept;
 * - maps have no prototype; quantities, times and durations are in their canonical text.
 */
import { pathText } from '../codec/json-parser.ts';
import { DecodeError } from './errors.ts';
import { canonicalScalar } from './scalars.ts';
import type { Field, StructType, ValueType } from './table.ts';

export interface DecodedValue {
  readonly value: Record<string, unknown>;
  /** Paths, in order: `spec.foo`, `spec.containers[0].foo`. */
  readonly unknownFields: readonly string[];
}

/** Decodes a parsed value in place (it must be the caller's own). Throws DecodeError on the first value of a wrong type. */
export function decodeStruct(type: StructType, value: unknown): DecodedValue {
  const state: State = { path: [], struct: type.name, unknown: [] };
  const out = walk({ kind: 'struct', go: `${type.version}.${type.name}`, struct: type }, value, state);
  return {
    value: (out ?? walkStruct(type, Object.create(null), state)) as Record<string, unknown>,
    unknownFields: state.unknown,
  };
}

interface State {
  /** Steps: names of fields, indexes of lists, and keys of maps (as one-element tuples: Go's own paths skip them). */
  readonly path: (string | number | readonly [string])[];
  /** The innermost struct, for error texts. */
  struct: string;
  readonly unknown: string[];
}

const fullPath = (state: State, last?: string): string => {
  const steps = state.path.map((step) => (typeof step === 'object' ? step[0] : step));
  if (last !== undefined) steps.push(last);
  return pathText(steps);
};

/** How Go's decoder names the kind of a JSON value. */
function jsonKind(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'number';
    default:
      return Array.isArray(value) ? 'array' : 'object';
  }
}

/** Throws the error for a value that cannot become a `go`. `what` tells more than its kind: `number 1.5`. */
export function typeError(state: State, go: string, what: string): never {
  const fields = state.path.filter((step) => typeof step === 'string');
  const into =
    fields.length === 0
      ? `Go value of type ${go}`
      : `Go struct field ${state.struct}.${fields.join('.')} of type ${go}`;
  throw new DecodeError(`json: cannot unmarshal ${what} into ${into}`);
}

/** Undefined stands for null. */
function walk(type: ValueType, value: unknown, state: State): unknown {
  if (value === null || value === undefined) return undefined;
  switch (type.kind) {
    case 'struct':
      if (typeof value !== 'object' || Array.isArray(value)) return typeError(state, type.go, jsonKind(value));
      return walkStruct(type.struct, value as Record<string, unknown>, state);
    case 'list':
      if (!Array.isArray(value)) return typeError(state, type.go, jsonKind(value));
      for (let i = 0; i < value.length; i++) {
        state.path.push(i);
        const item = walk(type.items, value[i], state);
        value[i] = item === undefined ? zeroItem(type.items, state) : item;
        state.path.pop();
      }
      return value;
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) return typeError(state, type.go, jsonKind(value));
      return walkMap(type.values, value as Record<string, unknown>, state);
    case 'any':
      return value;
    case 'string':
      return typeof value === 'string' ? value : typeError(state, type.go, jsonKind(value));
    case 'boolean':
      return typeof value === 'boolean' ? value : typeError(state, type.go, jsonKind(value));
    default:
      return canonicalScalar(type.kind, value, {
        mismatch: (what) => typeError(state, type.go, what ?? jsonKind(value)),
        mismatchAs: (go) => typeError(state, go, jsonKind(value)),
      });
  }
}

function walkMap(values: ValueType, value: Record<string, unknown>, state: State): Record<string, unknown> {
  const out: Record<string, unknown> = Object.create(null);
  for (const key in value) {
    const item = value[key];
    if (typeof item === 'string' && values.kind === 'string') {
      out[key] = item;
      continue;
    }
    state.path.push([key]);
    const walked = walk(values, item, state);
    out[key] = walked === undefined ? zeroItem(values, state) : walked;
    state.path.pop();
  }
  return out;
}

/** What null is inside a list or a map: Go's zero value. */
function zeroItem(type: ValueType, state: State): unknown {
  switch (type.kind) {
    case 'struct':
      return walkStruct(type.struct, {}, state);
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'float64':
    case 'intOrString':
      return 0;
    case 'quantity':
      return '0';
    case 'string':
    case 'bytes':
      return '';
    default:
      return null;
  }
}

/** Whether Go's omitempty leaves this value out. Struct values are never empty to it. */
export function isEmptyValue(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** Values of this field that are empty to Go become absent. An empty map always does: storage makes it nil. */
const leavesOutEmpty = (field: Field): boolean =>
  !field.pointer && field.value.kind !== 'struct' && (field.omitEmpty || field.value.kind === 'map');

/** Per type: what must be there even when the body does not say so. */
const alwaysPresent = new WeakMap<StructType, readonly Field[]>();

function presentFields(type: StructType): readonly Field[] {
  let fields = alwaysPresent.get(type);
  if (!fields) {
    fields = type.fields.filter((field) => {
      if (field.pointer || (type.root && (field.name === 'kind' || field.name === 'apiVersion'))) return false;
      switch (field.value.kind) {
        case 'struct':
          return !field.omitZero;
        case 'string':
        case 'boolean':
        case 'int32':
        case 'int64':
        case 'float64':
        case 'list':
          return !field.omitEmpty;
        case 'quantity':
        case 'intOrString':
          return !field.omitZero;
        default:
          return false; // times, maps, bytes and free JSON: absent, and written as null where Go does
      }
    });
    alwaysPresent.set(type, fields);
  }
  return fields;
}

function walkStruct(type: StructType, value: Record<string, unknown>, state: State): Record<string, unknown> {
  const outer = state.struct;
  state.struct = type.name;
  let dropped: Set<string> | undefined;
  for (const key in value) {
    const field = type.byName.get(key);
    if (!field) {
      state.unknown.push(fullPath(state, key));
      dropped ??= new Set();
      dropped.add(key);
      continue;
    }
    state.path.push(key);
    const walked = walk(field.value, value[key], state);
    state.path.pop();
    if (walked === undefined || (leavesOutEmpty(field) && isEmptyValue(walked))) {
      dropped ??= new Set();
      dropped.add(key);
    } else if (walked !== value[key]) {
      value[key] = walked;
    }
  }
  const out = dropped ? without(value, dropped) : value;
  for (const field of presentFields(type)) {
    if (out[field.name] !== undefined) continue;
    out[field.name] = field.value.kind === 'list' ? [] : zeroItem(field.value, state);
  }
  state.struct = outer;
  return out;
}

/** A copy with the other keys: cheaper for all later readers than `delete`, which makes an object a dictionary. */
function without(value: Record<string, unknown>, dropped: ReadonlySet<string>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key in value) if (!dropped.has(key)) out[key] = value[key];
  return out;
}
