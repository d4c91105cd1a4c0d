/** Bodies made at random after the table, now and then with a value of a wrong type in them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../machinery/schema/errors.ts';
import type { StructType, ValueType } from '../machinery/schema/table.ts';
import { schemaOf } from './scheme.ts';

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string(),
  boolean: fc.boolean(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bytes: fc.base64String(),
  time: fc
    .date({ noInvalidDate: true, min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') })
    .map((date) => date.toISOString()),
  microTime: fc
    .date({ noInvalidDate: true, min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') })
    .map((date) => date.toISOString()),
  duration: fc.constantFrom('1s', '1h30m0s'),
  quantity: fc.constantFrom('1', '100m', '1.5Gi', '0', '1e3', '0.0001', 5),
  intOrString: fc.oneof(fc.integer(), fc.string()),
  any: fc.jsonValue({ maxDepth: 2 }),
};

function arbitraryOf(type: ValueType, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'struct':
      return structOf(type.struct, depth);
    case 'list':
      return fc.array(arbitraryOf(type.items, depth), { maxLength: 2 });
    case 'map':
      return fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('__proto__', '10', '2')),
        arbitraryOf(type.values, depth),
        {
          maxKeys: 3,
          noNullPrototype: false,
        },
      );
    default:
      return scalars[type.kind]!;
  }
}

function structOf(type: StructType, depth: number): fc.Arbitrary<Record<string, unknown>> {
  if (depth === 0 || type.fields.length === 0) return fc.constant({});
  const member = fc.constantFrom(...type.fields).chain((field) => {
    const right = arbitraryOf(field.value, depth - 1);
    const value = fc.oneof(
      { weight: 40, arbitrary: right },
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    return value.map((v) => [field.name, v] as const);
  });
  return fc.array(member, { maxLength: 6 }).map(Object.fromEntries);
}

describe.each([
  ['', 'v1', 'Pod'],
  ['', 'v1', 'Service'],
  ['', 'v1', 'ConfigMap'],
  ['', 'v1', 'Secret'],
  ['', 'v1', 'Node'],
  ['', 'v1', 'Event'],
  ['apps', 'v1', 'Deployment'],
  ['batch', 'v1', 'CronJob'],
  ['coordination.k8s.io', 'v1', 'Lease'],
  ['rbac.authorization.k8s.io', 'v1', 'ClusterRole'],
  ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition'],
])('%s/%s %s', (group, version, kind) => {
  const schema = schemaOf(group, version, kind);

  test('is refused with a DecodeError, or written as what is read as the same', () => {
    fc.assert(
      fc.property(structOf(schema.type, 6), (body) => {
        let first: ReturnType<typeof schema.decode>;
        try {
          first = schema.decode(JSON.stringify(body));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return;
        }
        const text = schema.encodeText(first.object);
        const second = schema.decode(text);
        expect(second.strictErrors).toEqual([]);
        expect(second.object).toEqual(first.object);
        expect(schema.encodeText(second.object)).toBe(text);
        schema.validate(first.object);
        schema.applyDefaults(first.object);
        const defaulted = schema.encodeText(first.object);
        schema.applyDefaults(first.object);
        expect(schema.encodeText(first.object)).toBe(defaulted);
      }),
      { numRuns: 150 },
    );
  });
});
