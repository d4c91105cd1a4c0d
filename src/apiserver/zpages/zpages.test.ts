import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admin, type TestServer, testServer } from '../testing.suite.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer({ flags: { 'secure-port': '6443', 'authorization-mode': '[Node,RBAC]' } });
});
afterAll(() => server.server.stop());

const get = (path: string, accept?: string) =>
  server.call('GET', path, { user: admin, headers: accept === undefined ? {} : { accept } });

describe('/statusz and /flagz', () => {
  test.each([undefined, 'text/plain', '*/*', 'application/json, text/plain'])('are text for %s', async (accept) => {
    const status = await get('/statusz', accept);
    expect(status.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(status.text).toMatch(
      /^\napiserver statusz\nWarning: .*\n\nStarted\S* .* UTC \d{4}\nUp\S* \s?0 hr 00 min 0\d sec\n/,
    );
    expect(status.text).toMatch(/\nEmulation version\S* \s?1\.36\nPaths\S* \s?\/flagz \/healthz .*\n$/);
    expect((await get('/flagz', accept)).text).toMatch(
      /flags for debugging|authorization-mode(: ?|=| )\[Node,RBAC\]\n/,
    );
  });

  test('are objects for those who name the kind', async () => {
    const flags = await get('/flagz', 'application/json;as=Flagz;v=v1beta1;g=config.k8s.io');
    expect(flags.json).toEqual({
      kind: 'Flagz',
      apiVersion: 'config.k8s.io/v1beta1',
      metadata: { name: 'apiserver' },
      flags: { 'authorization-mode': '[Node,RBAC]', 'secure-port': '6443' },
    });
    const status = await get('/statusz', 'application/yaml;as=Statusz;v=v1alpha1;g=config.k8s.io');
    expect(status.headers['content-type']).toBe('application/yaml');
    expect(status.headers['warning']).toContain('This version of the statusz endpoint is deprecated.');
    expect(status.text).toContain('apiVersion: config.k8s.io/v1alpha1\n');
  });

  test.each(['application/json', 'application/json;as=Flagz;v=v1beta1;g=config.k8s.io', 'text/html'])(
    '/statusz as %s is refused',
    async (accept) => {
      expect((await get('/statusz', accept)).json).toMatchObject({
        code: 406,
        message: 'only the following media types are accepted: application/json, application/yaml, text/plain',
      });
    },
  );

  test('are not for everybody', async () => {
    expect((await server.call('GET', '/statusz')).status).toBe(403);
  });
});

describe('health', () => {
  test('verbose names every check, excluded ones too', async () => {
    const { text } = await get('/readyz?verbose&exclude=etcd&exclude=foo&exclude=bar');
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        '[+]ping ok',
        '[+]etcd excluded: ok',
        '[+]poststarthook/rbac/bootstrap-roles ok',
        '[+]shutdown ok',
        'warn: some health checks cannot be excluded: no matches for "bar", "foo"',
        'readyz check passed',
      ]),
    );
    expect((await get('/livez/shutdown')).status).toBe(404);
    expect((await get('/livez/loopback-serving-certificate')).text).toBe('ok');
  });

  test('/metrics/slis counts what was asked', async () => {
    await get('/livez');
    expect((await get('/metrics/slis')).text).toContain('kubernetes_healthcheck{name="ping",type="livez"} 1\n');
  });
});
