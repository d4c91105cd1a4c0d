import { expect, test } from 'vitest';
import { fieldErrorText } from '../../machinery/validation/field-error.ts';
import { validateWebhooks } from './validate-webhooks.ts';

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const good = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/x' },
  rules: [rule],
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
};
const of = (more: object) => validateWebhooks([{ ...good, ...more }]).map(fieldErrorText);

test('a good one is good', () => expect(of({})).toEqual([]));

test.each([
  [{ name: 'a.b' }, 'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments'],
  [{ sideEffects: 'Some' }, 'webhooks[0].sideEffects: Unsupported value: "Some"'],
  [{ timeoutSeconds: 31 }, 'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30'],
  [{ clientConfig: {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  [{ clientConfig: { url: 'http://x' } }, "'https' is the only allowed URL scheme"],
  [{ clientConfig: { url: 'https://a@x/?q#f' } }, 'user information is not permitted in the URL'],
  [{ clientConfig: { service: { name: 'a', namespace: 'b', path: 'x' } } }, "must start with a '/'"],
  [{ admissionReviewVersions: ['v2'] }, 'must include at least one of v1, v1beta1'],
  [{ rules: [{ ...rule, operations: ['*', 'CREATE'] }] }, "if '*' is present, must not specify other operations"],
  [{ rules: [{ ...rule, resources: ['pods/*', 'pods/status'] }] }, "if 'pods/*' is present, must not specify pods/st"],
  [{ rules: [{ ...rule, resources: ['*/*', 'pods'] }] }, "if '*/*' is present, must not specify other resources"],
  [{ matchConditions: [{ name: 'a b', expression: '' }] }, 'webhooks[0].matchConditions[0].expression: Required value'],
  [{ matchConditions: [{ name: 'a', expression: '... [] bad' }] }, 'compilation failed: '],
  [{ matchConditions: [{ name: 'a', expression: '1 + 1' }] }, 'must evaluate to bool'],
])('%j', (more, text) => {
  expect(of(more).join('\n')).toContain(text);
});

test('names are given once', () => {
  expect(validateWebhooks([good, good]).map(fieldErrorText)).toEqual([
    'webhooks[1].name: Duplicate value: "a.example.com"',
  ]);
});
