import { describe, expect, test } from 'vitest';
import { required, invalid } from '../validation/field-error.ts';
import * as errors from './errors.ts';
import { isConflict, isGone, isNotFound, isResourceExpired, isTooManyRequests, suggestsClientDelay } from './is.ts';
import type { StatusError } from './status.ts';

const deployments = { group: 'apps', resource: 'deployments' };
const pods = { group: '', resource: 'pods' };

describe('messages and codes', () => {
  const cases: [StatusError, number, string | undefined, string][] = [
    [errors.newNotFound(deployments, 'x'), 404, 'NotFound', 'deployments.apps "x" not found'],
    [errors.newNotFound(pods, 'a"b'), 404, 'NotFound', 'pods "a\\"b" not found'],
    [errors.newAlreadyExists(pods, 'x'), 409, 'AlreadyExists', 'pods "x" already exists'],
    [errors.newForbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no'],
    [errors.newForbidden(pods, 'x', 'no'), 403, 'Forbidden', 'pods "x" is forbidden: no'],
    [errors.newForbidden({ group: '', resource: '' }, '', 'no'), 403, 'Forbidden', 'forbidden: no'],
    [
      errors.newConflict(deployments, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      errors.newInvalid({ group: 'apps', kind: 'Deployment' }, 'x', [required('spec.selector')]),
      422,
      'Invalid',
      'Deployment.apps "x" is invalid: spec.selector: Required value',
    ],
    [
      errors.newInvalid({ group: '', kind: 'Pod' }, 'x', [required('a'), invalid('b', 'c', 'd'), required('a')]),
      422,
      'Invalid',
      'Pod "x" is invalid: [a: Required value, b: Invalid value: "c": d]',
    ],
    [errors.newTimeout('late', 3), 504, 'Timeout', 'Timeout: late'],
    [errors.newInternalError('boom'), 500, 'InternalError', 'Internal error occurred: boom'],
    [
      errors.newMethodNotSupported(pods, 'delete'),
      405,
      'MethodNotAllowed',
      'delete is not supported on resources of kind "pods"',
    ],
    [
      errors.newRequestEntityTooLarge('limit is 3'),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3',
    ],
    [
      errors.newGenericServerResponse(404, 'GET', pods, 'x', 'unknown'),
      404,
      'NotFound',
      'the server could not find the requested resource (get pods x)',
    ],
    [
      errors.newGenericServerResponse(418, 'GET', { group: '', resource: '' }, '', ''),
      418,
      undefined,
      'the server responded with the status code 418 but did not return more information',
    ],
  ];
  test.each(cases)('%s', (error, code, reason, message) => {
    expect(error.code).toBe(code);
    expect(error.reason).toBe(reason);
    expect(error.message).toBe(message);
    expect(error.status.message).toBe(message);
  });
});

test('empty parts are left out and the keys come in the order Go writes them', () => {
  expect(JSON.stringify(errors.newNotFound(pods, 'x').status)).toBe(
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \\"x\\" not found","reason":"NotFound","details":{"name":"x","kind":"pods"},"code":404}',
  );
  expect(JSON.stringify(errors.newTooManyRequests('m', 1).status)).toContain('"details":{"retryAfterSeconds":1}');
});

test('helpers see through causes and use the code only for unknown reasons', () => {
  const notFound = errors.newNotFound(pods, 'x');
  expect(isNotFound(new Error('while reading', { cause: notFound }))).toBe(true);
  expect(isNotFound(new Error('404'))).toBe(false);
  expect(isConflict(errors.newAlreadyExists(pods, 'x'))).toBe(false);
  expect(isGone(errors.newExpired('old'))).toBe(false);
  expect(isResourceExpired(errors.newExpired('old'))).toBe(true);
  expect(isTooManyRequests(errors.newTooManyRequests('m', 2))).toBe(true);
  expect(suggestsClientDelay(errors.newTooManyRequests('m', 2))).toBe(2);
  expect(suggestsClientDelay(notFound)).toBeUndefined();
});
