import { describe, expect, test } from 'vitest';
import type { WireRequest } from '../../machinery/wire.ts';
import { testServer } from '../testing.suite.ts';
import { RequestHeaderAuthenticator, usualRequestHeaders } from './request-header.ts';

const authenticator = new RequestHeaderAuthenticator({
  ...usualRequestHeaders,
  requestheaderUidHeaders: ['X-Remote-Uid'],
});

function spoken(commonName: string | undefined, headers: Readonly<Record<string, readonly string[]>>): WireRequest {
  const joined = Object.entries(headers).map(([name, values]) => [name, values.join(', ')]);
  return {
    method: 'POST',
    url: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(joined) },
    signal: new AbortController().signal,
    ...(commonName === undefined
      ? {}
      : { frontProxy: { commonName, valuesOf: (name: string) => headers[name] ?? [] } }),
  };
}

const bob = {
  'x-remote-user': ['bob'],
  'x-remote-group': ['a, b', 'devs'],
  'x-remote-uid': ['7'],
  'x-remote-extra-scopes%2fof': ['x, y'],
};

describe('RequestHeaderAuthenticator', () => {
  test('takes the user from a front proxy, each value of a header apart', () => {
    expect(authenticator.authenticate(spoken('front-proxy-client', bob))).toEqual({
      username: 'bob',
      uid: '7',
      groups: ['a, b', 'devs'],
      extra: { 'scopes/of': ['x, y'] },
    });
  });

  test.each([
    ['without a front proxy', undefined, bob],
    ['from another of its CA', 'someone', bob],
    ['without a user name', 'front-proxy-client', { 'x-remote-group': ['system:masters'] }],
  ])('believes nothing %s', (_, commonName, headers) => {
    expect(authenticator.authenticate(spoken(commonName, headers))).toBeUndefined();
  });

  test('hands on a request without its headers', () => {
    const { headers, method } = authenticator.withoutHeaders(spoken('front-proxy-client', bob));
    expect({ headers, method }).toEqual({ method: 'POST', headers: { 'content-type': 'application/json' } });
  });
});

describe('a server that knows front proxies', () => {
  test('serves the user they name, and refuses a proxy that proves nothing though anonymous requests are served', async () => {
    const { server, raw } = await testServer({ requestheaderClientCAFile: 'PEM' });
    const ask = async (request: WireRequest) => {
      const response = await raw('POST', request.url, { ...request, body: new TextEncoder().encode('{}') });
      if (response.kind !== 'bytes') throw new Error(response.kind);
      return JSON.parse(new TextDecoder().decode(response.body));
    };
    const known = await ask(spoken('front-proxy-client', bob));
    expect(known.status.userInfo).toMatchObject({ username: 'bob', groups: ['a, b', 'devs', 'system:authenticated'] });
    expect(await ask(spoken('someone', bob))).toMatchObject({ code: 401, reason: 'Unauthorized' });
    await server.stop();
  });
});
