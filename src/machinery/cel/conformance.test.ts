/**
 * The cases of the CEL project's own conformance suite (`@bufbuild/cel-spec`), each through parser, checker and
 * evaluation. Left out is what Kubernetes' CEL has not:
 *
 *   - protobuf messages: literals, wrappers, enums, extensions, containers of names;
 *   - the libraries math, encoders, bindings and block, and functions that a case declares itself;
 *   - expressions that only run when nothing checks their types, as nothing here does.
 */
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseTimestamp } from './adapt.ts';
import { celEnvironment } from './cel.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  string,
  uint,
} from './types.ts';
import { CelMap, celEquals, TypeValue, typeNameOf, Uint } from './values.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of protobuf messages
type Any = any;
type Json = Record<string, Any>;

const leftOutSuites = new Set([
  ...['enums', 'proto2', 'proto2_ext', 'proto3', 'wrappers', 'dynamic'],
  ...['math_ext', 'encoders_ext', 'bindings_ext', 'block_ext'],
]);

class LeftOut extends Error {}

const primitives: Readonly<Record<string, CelType>> = {
  ...{ INT64: int, UINT64: uint, BOOL: bool, STRING: string, BYTES: bytes, DOUBLE: double },
};

function typeOfCase(type: Json): CelType {
  if (type.primitive) return primitives[type.primitive]!;
  if ('null' in type) return nullType;
  if (type.listType) return listOf(typeOfCase(type.listType.elemType));
  if (type.mapType) return mapOf(typeOfCase(type.mapType.keyType), typeOfCase(type.mapType.valueType));
  if (type.dyn) return dyn;
  if (type.messageType === 'google.protobuf.Duration') return duration;
  throw new LeftOut();
}

function valueOfCase(value: Json): unknown {
  const [[kind, one]] = Object.entries(value) as [[string, Any]];
  switch (kind) {
    case 'int64Value':
      return BigInt(one);
    case 'uint64Value':
      return new Uint(BigInt(one));
    case 'doubleValue':
      return Number(one);
    case 'stringValue':
    case 'boolValue':
      return one;
    case 'bytesValue':
      return Uint8Array.from(atob(one), (char) => char.charCodeAt(0));
    case 'nullValue':
      return null;
    case 'listValue':
      return (one.values ?? []).map(valueOfCase);
    case 'mapValue': {
      const map = new CelMap();
      for (const entry of one.entries ?? []) map.add(valueOfCase(entry.key), valueOfCase(entry.value));
      return map;
    }
    case 'typeValue':
      return new TypeValue(one);
    case 'objectValue':
      if (one['@type'].endsWith('.Timestamp')) return parseTimestamp(one.value);
      if (one['@type'].endsWith('.Duration')) return parseDuration(one.value);
      throw new LeftOut();
    default:
      throw new LeftOut();
  }
}

interface Case {
  readonly path: string;
  readonly expr: string;
  readonly types: Record<string, CelType>;
  readonly values: Record<string, unknown>;
  /** 'error' when there must be one. */
  readonly wanted: unknown;
}

function caseOf(path: string, test: Json): Case | undefined {
  // Names in a container, messages, and what is in the suite for servers that do not check.
  if (test.container || test.checkOnly || test.disableCheck) return undefined;
  if (/google\.protobuf\.\w+\s*\{|cel\.\w+\(|TestAllTypes/.test(test.expr)) return undefined;
  try {
    const types: Record<string, CelType> = {};
    const values: Record<string, unknown> = {};
    for (const entry of test.typeEnv ?? []) {
      if (!entry.ident) return undefined;
      types[entry.name] = typeOfCase(entry.ident.type);
    }
    for (const [name, bound] of Object.entries<Json>(test.bindings ?? {})) {
      values[name] = valueOfCase(bound.value);
      types[name] ??= dyn;
    }
    const result = test.value ?? test.typedResult?.result;
    const wanted = test.evalError ? 'error' : result ? valueOfCase(result) : true;
    return { path: `${path} ${test.name}`, expr: test.expr, types, values, wanted };
  } catch (error) {
    if (error instanceof LeftOut) return undefined;
    throw error;
  }
}

function casesIn(suite: Json, path: string): Case[] {
  const own = (suite.tests ?? []).map((test: Json) => caseOf(path, test.original)).filter(Boolean);
  return [...own, ...(suite.suites ?? []).flatMap((one: Json) => casesIn(one, `${path}/${one.name}`))];
}

for (const suite of (tests as Json).suites as readonly Json[]) {
  const cases = leftOutSuites.has(suite.name) ? [] : casesIn(suite, suite.name);
  if (cases.length > 0)
    describe(suite.name, () => {
      it.each(cases)('$path: $expr', ({ expr, types, values, wanted }) => {
        const evaluate = () =>
          celEnvironment({ variables: types, homogeneous: false }).compile(expr).evaluate(values).value;
        if (wanted === 'error') {
          expect(evaluate).toThrow();
          return;
        }
        const got = evaluate();
        expect(typeNameOf(got)).toBe(typeNameOf(wanted));
        if (Number.isNaN(wanted)) expect(got).toBeNaN();
        else expect(celEquals(got, wanted), `got ${String(got)}`).toBe(true);
      });
    });
}
