import { expect, test } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { MetricsRegistry } from '../../base/metrics.ts';
import { SeededRandom } from '../../base/random.ts';
import type { WireRequest, WireResponse } from '../../machinery/wire.ts';
import type { AuditEvent, AuditSink } from '../audit/audit.ts';
import { Authenticator } from '../authn/authenticator.ts';
import { alwaysAllow } from '../authz/authorizer.ts';
import { FlowControl } from '../flowcontrol/flow-control.ts';
import { FlowControlMetrics } from '../flowcontrol/metrics.ts';
import { ApiServerMetrics } from '../metrics/apiserver-metrics.ts';
import type { ContextHandler } from '../request-context.ts';
import { createChain } from './chain.ts';
import { jsonResponse } from './status-response.ts';
import { warningHeaders } from './warning-header.ts';

function testChain(answer: ContextHandler, audit?: AuditSink) {
  const clock = new FakeClock({ defer: setImmediate });
  const errors: string[] = [];
  const staticTokens = new Map([['secret', { username: 'joe', groups: ['devs'] }]]);
  const chain = createChain({
    clock,
    random: new SeededRandom(1),
    authenticator: new Authenticator({ anonymousAuth: false, staticTokens, apiAudiences: [] }),
    authorizer: alwaysAllow,
    // One seat a level.
    flowControl: new FlowControl(
      { serverConcurrency: 1, maxWaitMs: 15_000 },
      { clock, metrics: new FlowControlMetrics(new MetricsRegistry()) },
    ),
    metrics: new ApiServerMetrics(),
    requestTimeoutMs: 60_000,
    audit,
    answer,
    onError: (error, what) => errors.push(`${what}: ${error}`),
  });
  const ask = (url: string, more: Partial<WireRequest> = {}) =>
    chain({
      method: 'GET',
      url,
      headers: { authorization: 'Bearer secret' },
      signal: new AbortController().signal,
      ...more,
    });
  return { clock, errors, ask };
}

const bodyOf = (response: WireResponse) =>
  response.kind === 'bytes' ? new TextDecoder().decode(response.body) : response.kind;

test('what is thrown is answered, told and not passed on', async () => {
  const { ask, errors } = testChain(() => Promise.reject(new Error('boom')));
  const response = await ask('/api/v1/pods');
  expect(response).toMatchObject({ kind: 'bytes', status: 500 });
  expect(JSON.parse(bodyOf(response))).toMatchObject({
    reason: 'InternalError',
    message: 'Internal error occurred: boom',
  });
  expect(errors).toEqual(['GET /api/v1/pods: Error: boom']);
});

test('who proves nothing is refused where anonymous requests are off', async () => {
  const { ask } = testChain(async () => jsonResponse(200, {}));
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic x' }])
    expect(await ask('/version', { headers })).toMatchObject({ status: 401 });
  const protocol = `base64url.bearer.authorization.k8s.io.${btoa('secret')}`;
  expect(
    await ask('/version', { headers: { 'sec-websocket-protocol': `v4.channel.k8s.io, ${protocol}` } }),
  ).toMatchObject({ status: 200 });
});

test('a short request is given up after its time, a watch is not', async () => {
  const { ask, clock } = testChain(() => new Promise(() => {}));
  const short = ask('/api/v1/pods');
  let watching = true;
  void ask('/api/v1/pods?watch=1').then(() => (watching = false));
  await clock.advance(61_000);
  expect(await short).toMatchObject({ status: 504 });
  expect(JSON.parse(bodyOf(await short)).message).toBe('Timeout: request did not complete within the allotted timeout');
  expect(watching).toBe(true);
});

test('one request too many waits, then is told to come back; watches and system:masters do not count', async () => {
  const waiting: (() => void)[] = [];
  const { ask, clock } = testChain(() => new Promise((resolve) => waiting.push(() => resolve(jsonResponse(200, {})))));
  const first = ask('/api/v1/pods');
  void ask('/api/v1/pods?watch=1');
  const refused = ask('/api/v1/nodes');
  await clock.advance(15_000);
  expect(await refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
  expect(bodyOf(await refused)).toBe('Too many requests, please try again later.\n');
  const patient = ask('/api/v1/nodes', { method: 'POST' });
  const master = ask('/api/v1/nodes', { user: { username: 'm', groups: ['system:masters'] } });
  await new Promise(setImmediate);
  for (const resolve of waiting) resolve();
  expect(await Promise.all([first, master])).toMatchObject([{ status: 200 }, { status: 200 }]);
  await new Promise(setImmediate);
  waiting.at(-1)!();
  expect(await patient).toMatchObject({ status: 200 });
  const again = ask('/api/v1/pods');
  await new Promise(setImmediate);
  waiting.at(-1)!();
  expect(await again).toMatchObject({ status: 200 });
});

test('answers carry the audit id, no caching, and warnings once', async () => {
  const { ask } = testChain(async (context) => {
    context.warnings.push('old "thing"', 'old "thing"');
    return jsonResponse(200, {});
  });
  expect(await ask('/version', { headers: { authorization: 'Bearer secret', 'audit-id': 'x' } })).toMatchObject({
    headers: { 'audit-id': 'x', 'cache-control': 'no-cache, private', warning: ['299 - "old \\"thing\\""'] },
  });
});

test('warnings stay within what clients read', () => {
  const long = Array.from({ length: 40 }, (_, i) => `${i}${'x'.repeat(300)}`);
  const values = warningHeaders(long);
  expect(values.length).toBeGreaterThan(10);
  expect(values.join('').length).toBeLessThanOrEqual(4096);
  expect(warningHeaders(['a\r\nb', 'ü'])).toEqual(['299 - "a  b"', '299 - "%C3%BC"']);
});

test('every answered request is told to the audit, with who really asked', async () => {
  const events: AuditEvent[] = [];
  const { ask } = testChain(async () => jsonResponse(201, {}), { record: (event) => events.push(event) });
  await ask('/apis/apps/v1/namespaces/a/deployments?x=y', {
    method: 'POST',
    headers: { authorization: 'Bearer secret', 'audit-id': 'id', 'impersonate-user': 'ann', 'user-agent': 'test' },
    remoteAddress: '10.0.0.1',
  });
  expect(events).toMatchObject([
    {
      auditID: 'id',
      stage: 'ResponseComplete',
      requestURI: '/apis/apps/v1/namespaces/a/deployments?x=y',
      verb: 'create',
      user: { username: 'joe' },
      impersonatedUser: { username: 'ann' },
      sourceIPs: ['10.0.0.1'],
      userAgent: 'test',
      objectRef: { resource: 'deployments', namespace: 'a', apiGroup: 'apps', apiVersion: 'v1' },
      responseStatus: { code: 201 },
      requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    },
  ]);
});
