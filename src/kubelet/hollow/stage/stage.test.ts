import { describe, expect, test } from 'vitest';
import { compileStage } from './compile.ts';
import { parseExpression } from './expression.ts';
import type { Stage, StageSpec } from './stage.ts';

const pod = {
  metadata: {
    name: 'p',
    labels: { 'app.kubernetes.io/name': 'web' },
    annotations: { at: '2026-01-01T00:00:10Z', wait: '1m1.5s' },
    finalizers: ['keep.me/x', 'drop.me/y'],
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u' }],
  },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status: 'False' },
    ],
  },
};

test.each([
  ['.metadata.name', ['p']],
  ['.metadata.absent', []],
  ['.metadata.name.too.deep', []],
  ['.metadata.labels["app.kubernetes.io/name"]', ['web']],
  ['.metadata.labels."app.kubernetes.io/name"', ['web']],
  ['.metadata.ownerReferences.[].kind', ['Job']],
  ['.status.conditions[].type', ['Initialized', 'Ready']],
  ['.status.conditions[0].type', ['Initialized']],
  ['.status.conditions.[] | select( .type == "Ready" ) | .status', ['False']],
  ['.status.conditions.[] | select( .type != "Ready" ) | .status', ['True']],
  ['.status | select(.phase) | .phase', ['Running']],
])('expression %s', (text, values) => {
  expect(parseExpression(text).evaluate(pod)).toEqual(values);
});

test.each([
  ['metadata', "reading the expression 'metadata': unexpected 'metadata'"],
  ['.a | select(.b == )', "unexpected ')'"],
  ['.a[', 'unexpected end'],
  ['.a & .b', 'unexpected character at 3'],
])('expression %s is refused', (text, message) => {
  expect(() => parseExpression(text)).toThrow(message);
});

function stage(spec: Partial<StageSpec>): Stage {
  return { metadata: { name: 's' }, spec: { resourceRef: { kind: 'Pod' }, selector: {}, next: {}, ...spec } };
}

describe('stage', () => {
  test.each<[string, StageSpec['selector'], boolean]>([
    ['none', undefined, false],
    ['empty', {}, true],
    ['a label', { matchLabels: { 'app.kubernetes.io/name': 'web' } }, true],
    ['another label', { matchLabels: { 'app.kubernetes.io/name': 'db' } }, false],
    ['an annotation', { matchAnnotations: { wait: '1m1.5s' } }, true],
    ['In', { matchExpressions: [{ key: '.status.phase', operator: 'In', values: ['Running'] }] }, true],
    ['NotIn', { matchExpressions: [{ key: '.status.phase', operator: 'NotIn', values: ['Running'] }] }, false],
    ['Exists', { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' }] }, true],
  ])('selector: %s', (_name, selector, matches) => {
    const { selector: _, ...rest } = stage({}).spec;
    const compiled = compileStage({
      metadata: { name: 's' },
      spec: selector === undefined ? rest : { ...rest, selector },
    });
    expect(compiled.matches(pod)).toBe(matches);
  });

  test.each<[string, StageSpec['delay'], number]>([
    ['none', undefined, 0],
    ['a duration', { durationMilliseconds: 500 }, 500],
    ['half way to the jitter', { durationMilliseconds: 500, jitterDurationMilliseconds: 1500 }, 1000],
    ['a smaller jitter wins', { durationMilliseconds: 500, jitterDurationMilliseconds: 100 }, 100],
    ['until a time', { durationFrom: { expressionFrom: '.metadata.annotations.at' } }, 10_000],
    ['a duration in the object', { durationFrom: { expressionFrom: '.metadata.annotations.wait' } }, 61_500],
    ['the fixed one when the object has none', { durationFrom: { expressionFrom: '.x' }, durationMilliseconds: 7 }, 7],
  ])('delay: %s', (_name, delay, ms) => {
    const compiled = compileStage(stage(delay === undefined ? {} : { delay }));
    expect(compiled.delayMs(pod, Date.UTC(2026, 0, 1), () => 0.5)).toBe(ms);
  });

  test.each<[NonNullable<StageSpec['next']['finalizers']>, readonly string[] | undefined]>([
    [{ empty: true }, []],
    [{ remove: [{ value: 'drop.me/y' }] }, ['keep.me/x']],
    [{ add: [{ value: 'new/z' }] }, ['keep.me/x', 'drop.me/y', 'new/z']],
    [{ add: [{ value: 'keep.me/x' }] }, undefined],
  ])('finalizers: %j', (finalizers, result) => {
    expect(compileStage(stage({ next: { finalizers } })).finalizers!(pod)).toEqual(result);
  });

  test.each<[string, Partial<StageSpec>]>([
    ["resourceRef.kind 'Service' is neither Node nor Pod", { resourceRef: { kind: 'Service' } }],
    ["resourceRef.apiGroup 'apps' is not v1", { resourceRef: { apiGroup: 'apps', kind: 'Pod' } }],
    ["'{{' without '}}'", { next: { statusTemplate: 'a: {{ .b' } }],
    ['operator In needs values', { selector: { matchExpressions: [{ key: '.a', operator: 'In' }] } }],
  ])('is refused: %s', (message, spec) => {
    expect(() => compileStage(stage(spec))).toThrow(`compiling stage 's': `);
    expect(() => compileStage(stage(spec))).toThrow(message);
  });
});
