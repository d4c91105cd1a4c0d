import { describe, expect, test } from 'vitest';
import { CelError, CelIssues, celEnvironment, toJson } from './cel.ts';
import { typeOfSchema } from './schema-types.ts';
import { dyn } from './types.ts';

const env = celEnvironment({
  variables: {
    x: dyn,
    self: typeOfSchema({
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        ratio: { type: 'number' },
        name: { type: 'string', maxLength: 10 },
        when: { type: 'string', format: 'date-time' },
        list: { type: 'array', maxItems: 5, items: { type: 'integer' } },
        things: {
          type: 'array',
          maxItems: 5,
          items: { type: 'object', properties: { a: { type: 'string' }, 'b-c': { type: 'integer' } } },
        },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        port: { 'x-kubernetes-int-or-string': true },
        namespace: { type: 'string' },
      },
    })!,
  },
});
const self = {
  replicas: 3,
  ratio: 1,
  name: 'web',
  when: '2026-01-02T03:04:05Z',
  list: [3, 1, 2],
  things: [{ a: 'x', 'b-c': 1 }, { a: 'y' }],
  labels: { app: 'web', 'a.b/c': 'd' },
  port: 80,
  namespace: 'ns',
};
const run = (source: string, x: unknown = null) => toJson(env.compile(source).evaluate({ self, x }).value);

describe('expressions', () => {
  test.each<[string, unknown]>([
    ['1 + 2 * 3', 7],
    ['-9223372036854775808', -9223372036854775808n],
    ['7 / 2 + 7 % 4', 6],
    ['1.5 + 2.5', 4],
    ['"a" + "b" == "ab" && !false', true],
    ['[1, 2] + [3]', [1, 2, 3]],
    ['{"a": 1, "b": 2}.b', 2],
    ['"abc"[?0].hasValue()', 'error'],
    ['self.replicas > 2 ? "many" : "few"', 'many'],
    ['self.ratio == 1.0', true],
    ['1 == 1.0 || dyn(1) == 1.0', 'error'],
    ['dyn(1) == 1.0', true],
    ['self.list.all(i, i > 0) && self.list.exists(i, i == 2)', true],
    ['self.list.exists_one(i, i > 2)', true],
    ['self.list.map(i, i * 2)', [6, 2, 4]],
    ['self.list.map(i, i > 1, i * 2)', [6, 4]],
    ['self.list.filter(i, i > 1)', [3, 2]],
    ['self.list.sum() + self.list.max() - self.list.min()', 8],
    ['self.list.isSorted()', false],
    ['self.things.all(t, has(t.b__dash__c) || t.a == "y")', true],
    ['has(self.labels) && "app" in self.labels && self.labels["a.b/c"] == "d"', true],
    ['self.labels.all(k, k.size() > 0)', true],
    ['self.labels.transformList(k, v, k + v).size()', 2],
    ['self.list.transformMap(i, v, v * 10)[1]', 10],
    ['{"a": 1}.transformMapEntry(k, v, {v: k})[1]', 'a'],
    ['self.list.all(i, v, v > i - 3)', true],
    ['self.when > timestamp("2025-01-01T00:00:00Z") && self.when.getFullYear() == 2026', true],
    ['duration("1h30m") > duration("89m")', true],
    ['string(duration("90s"))', '90s'],
    ['type(self.port) == int ? "int" : "string"', 'int'],
    ['self.__namespace__', 'ns'],
    ['"hello world".matches("^h.*d$") && "abc".startsWith("a")', true],
    ['"a,b,c".split(",").join("-").upperAscii()', 'A-B-C'],
    ['"%s is %d and %.2f".format(["x", 1, 2.0])', 'x is 1 and 2.00'],
    ['"abc".find("b.")', 'bc'],
    ['"a1b22".findAll("[0-9]+")', ['1', '22']],
    ['optional.of(1).orValue(2) + optional.none().orValue(2)', 3],
    ['self.?name.orValue("none") + x.?a.b.orValue("c")', 'webc'],
    ['optional.of(2).optMap(v, v * 2).value()', 4],
    ['[?optional.none(), 1]', [1]],
    ['url("https://example.com:80/a?b=c").getHostname()', 'example.com'],
    ['ip("::1").isLoopback() && cidr("10.0.0.0/8").containsIP("10.1.2.3")', true],
    ['string(ip("2001:db8:0:0:0:0:0:1"))', '2001:db8::1'],
    ['quantity("1Gi").isGreaterThan(quantity("1G"))', true],
    ['semver("1.2.3-rc.1").isLessThan(semver("1.2.3"))', true],
    ['format.dns1123Label().validate("A_").hasValue()', true],
    ['sets.contains([1, 2, 3], [2]) && sets.intersects([1], [1, 2])', true],
    ['1 / 0 == 1 || true', true],
    ['false && 1 / 0 == 1', false],
    ['[1, 0].exists(i, 1 / i == 1)', true],
    ['x.a.b', 'error'],
    ['9223372036854775807 + 1', 'error'],
    ["b'abc' == bytes('abc') && r'\\d' == '\\\\d' && '''a\nb'''.size() == 3", true],
    ['0x1F + int("12") + int(3.9)', 46],
    ['uint(3) + 4u == 7u', true],
    ['[[1, 2], [3]].map(l, l.size())', [2, 1]],
  ])('%s', (source, expected) => {
    const out = (() => {
      try {
        return run(source, {});
      } catch (error) {
        if (error instanceof CelError || error instanceof CelIssues) return 'error';
        throw error;
      }
    })();
    expect(out).toEqual(expected);
  });
});

describe('what is wrong is said before evaluation', () => {
  test.each([
    ['self.foo', "undefined field 'foo'"],
    ['bar', "undeclared reference to 'bar' (in container '')"],
    ['1 + "a"', "found no matching overload for '_+_' applied to '(int, string)'"],
    ['self.name.size() == "a"', "found no matching overload for '_==_' applied to '(int, string)'"],
    ['self.replicas >', 'Syntax error'],
    ['self.list.all(1, true)', 'argument must be a simple name'],
    ['[1, "a"]', "expected type 'int' but found 'string'"],
    ['nothing(1)', "undeclared reference to 'nothing'"],
    ['self.name && true', "expected type 'bool' but found 'string'"],
  ])('%s', (source, message) => {
    expect(() => env.compile(source)).toThrow(message);
  });
});

test('costs are bounded while evaluating, and estimated before', () => {
  const program = env.compile('self.list.all(i, self.list.all(j, i + j > 0))');
  expect(program.evaluate({ self }, 1000).cost).toBeGreaterThan(30);
  expect(() => program.evaluate({ self }, 20)).toThrow('operation cancelled: actual cost limit exceeded');
  expect(program.maxCost).toBeGreaterThan(100);
  expect(program.maxCost).toBeLessThan(1000);
});
