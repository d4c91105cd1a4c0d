import { expect, test } from 'vitest';
import { usualRequestHeaders } from '../authn/request-header.ts';
import { admin, testServer } from '../testing.suite.ts';
import { combined } from './extension-authentication.ts';

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const wanted = { ...usualRequestHeaders, clientCAFile: pem('A'), requestheaderClientCAFile: pem('B') };

test('combined keeps what others have written and adds ours once', () => {
  const first = combined({}, wanted);
  expect(first).toEqual({
    'client-ca-file': pem('A'),
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-client-ca-file': pem('B'),
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  });
  expect(combined(first, wanted)).toEqual(first);
  const others = { ...first, 'client-ca-file': pem('C'), 'requestheader-allowed-names': '["other"]', junk: 'x' };
  expect(combined(others, wanted)).toEqual({
    ...first,
    'client-ca-file': pem('C') + pem('A'),
    'requestheader-allowed-names': '["other","front-proxy-client"]',
  });
  expect(combined({ 'requestheader-group-headers': '{' }, wanted)).toEqual(first);
});

test('the server puts the ConfigMap back', async () => {
  const { server, call, clock } = await testServer({ clientCAFile: pem('A') });
  const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
  expect((await call('GET', path, { user: admin })).json.data).toEqual({ 'client-ca-file': pem('A') });
  await call('DELETE', path, { user: admin });
  await clock.advance(10_000);
  expect((await call('GET', path, { user: admin })).json.data).toEqual({ 'client-ca-file': pem('A') });
  await server.stop();
});
