// What a user gets wrong, and what he is told: flags, directories, bodies. Nothing of it may lose data.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { execute, type Output, repository, skiff, UpCluster } from '../support/up.ts';

const scratch = mkdtempSync(join(tmpdir(), 'skiff-bad-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const inScratch = (name: string) => join(scratch, name);

/** `skiff up` that is expected to fail. */
const up = (dir: string, ...flags: string[]): Promise<Output> =>
  skiff('up', '--runtime', 'hollow', '--data-dir', dir, '--secure-port', '0', ...flags);

describe('skiff up refuses', () => {
  it.each([
    ['an unknown flag', ['--nonesuch'], "error: unknown option '--nonesuch'"],
    ['a runtime that is none', ['--runtime', 'docker'], 'Allowed choices are containerd, hollow'],
    ['a port that is none', ['--secure-port', '70000'], 'want a whole number from 0 to 65535'],
    ['a network that is none', ['--service-cidr', '10.96.0.0'], 'want an IPv4 network such as 10.244.0.0/16'],
    [
      'overlapping networks',
      ['--pod-network-cidr', '10.96.0.0/16'],
      /--pod-network-cidr 10\.96\.0\.0\/16 and --service-cidr 10\.96\.0\.0\/12 overlap; choose two that do not/,
    ],
  ])('%s, with exit code 2', async (_, flags, text) => {
    const { code, stderr, stdout } = await up(inScratch('usage'), ...flags);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(text) });
  });

  it('an unknown command, with exit code 2', async () => {
    const { code, stderr } = await skiff('upp');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/unknown command 'upp'/) });
  });

  it('a port in use', async () => {
    const server = createServer();
    const port = await new Promise<number>((done) =>
      server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)),
    );
    const { code, stderr } = await up(inScratch('port'), '--secure-port', String(port));
    await new Promise((done) => server.close(done));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        `--secure-port ${port} is in use (127.0.0.1, port ${port}); choose another, or 0`,
      ),
    });
  });

  it('a data directory that is a file', async () => {
    writeFileSync(inScratch('file'), 'precious');
    const { code, stderr } = await up(inScratch('file'));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/--data-dir .*\/file cannot be written to \(.*\); choose another/),
    });
    expect(readFileSync(inScratch('file'), 'utf8')).toBe('precious');
  });

  it('a data directory that it may not write', async () => {
    // Root may write everywhere but on a read-only file system.
    const { code, stderr } = await up('/proc/skiff');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/--data-dir \/proc\/skiff cannot be written to \(.*\); choose another/),
    });
    if (process.getuid?.() !== 0) return;
    mkdirSync(inScratch('locked'), { mode: 0o755 });
    chmodSync(scratch, 0o755);
    const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath];
    const args = [join(repository, 'bin/skiff'), 'up', '--runtime', 'hollow', '--data-dir', inScratch('locked')];
    const refused = await execute('setpriv', [...asNobody, ...args]);
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/--data-dir .*\/locked cannot be written to \(.*EACCES.*\); choose another/),
    });
  });

  it('a data directory of another version, and leaves it as it was', async () => {
    mkdirSync(inScratch('later'));
    const identity = JSON.stringify({ format: 99, id: 'aaaaaaaa', runtime: 'hollow' });
    writeFileSync(inScratch('later/skiff.json'), identity);
    const { code, stderr } = await up(inScratch('later'));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/is of format 99, this Skiff knows format 1; run the version that made it/),
    });
    expect(readFileSync(inScratch('later/skiff.json'), 'utf8')).toBe(identity);
  });

  it('an image archive that is not there or is none', async () => {
    const missing = await up(inScratch('image'), '--load-image', inScratch('nope.tar'));
    expect({ code: missing.code, stderr: missing.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/--load-image .*\/nope\.tar: no such file; want an OCI or docker archive/),
    });
  });
});

describe('a damaged database', () => {
  it('is refused with a word on which file, and opens again when it is whole', async () => {
    const cluster = new UpCluster(inScratch('cut'));
    mkdirSync(cluster.dataDir);
    await cluster.start('--runtime', 'hollow');
    await cluster.must('create', 'configmap', 'kept', '--from-literal=a=1');
    await cluster.stop();
    const file = inScratch('cut/store/data.mdb');
    copyFileSync(file, inScratch('whole.mdb'));
    for (const size of [100, 10_000, 40_000]) {
      truncateSync(file, size);
      const { code, stderr } = await up(cluster.dataDir);
      expect({ size, code, stderr }).toEqual({
        size,
        code: 1,
        stderr: expect.stringMatching(/data\.mdb/),
      });
      expect(stderr).not.toContain('is in use');
      copyFileSync(inScratch('whole.mdb'), file);
    }
    await cluster.start('--runtime', 'hollow');
    expect(await cluster.must('get', 'cm', 'kept', '-o', 'jsonpath={.data.a}')).toBe('1');
    await cluster.stop();
  });
});

describe('SIGTERM in the middle of start', () => {
  // Until the program has loaded, the signal's default ends it: there is nothing to undo yet.
  it.each([20, 50, 100, 150, 200, 300, 400, 600])(
    'after %d ms leaves a directory that the next start takes',
    async (ms) => {
      const cluster = new UpCluster(inScratch(`term-${ms}`));
      mkdirSync(cluster.dataDir);
      const ended = cluster.start('--runtime', 'hollow').then(
        () => 'ready',
        (error: Error) => error.message,
      );
      await new Promise((done) => setTimeout(done, ms));
      const startMs = performance.now();
      const code = await cluster.stop('SIGTERM');
      expect(performance.now() - startMs).toBeLessThan(5_000);
      expect([0, 'SIGTERM'], await ended).toContain(code);
      const status = await skiff('status', '--data-dir', cluster.dataDir);
      expect(status.stdout).toMatch(/^(stopped|absent)/);
      await cluster.start('--runtime', 'hollow');
      expect(await cluster.must('get', 'nodes')).toContain('Ready');
      expect(await cluster.stop()).toBe(0);
    },
  );
});

describe('a running cluster', () => {
  const cluster = new UpCluster();
  let credentials: { cert: string; key: string; ca: string };
  beforeAll(async () => {
    const ready = await cluster.start('--runtime', 'hollow');
    const config = parse(readFileSync(ready.kubeconfig, 'utf8')) as {
      users: { user: Record<string, string> }[];
      clusters: { cluster: Record<string, string> }[];
    };
    const text = (base64: string | undefined) => Buffer.from(base64!, 'base64').toString();
    credentials = {
      cert: text(config.users[0]!.user['client-certificate-data']),
      key: text(config.users[0]!.user['client-key-data']),
      ca: text(config.clusters[0]!.cluster['certificate-authority-data']),
    };
    await cluster.must('create', 'configmap', 'here', '--from-literal=a=1');
  });
  afterAll(() => cluster.destroy());

  interface Answer {
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly warning: string;
  }

  const json = 'application/json';
  const configMaps = '/api/v1/namespaces/default/configmaps';

  /** A request as no client library would make it. */
  function ask(method: string, path: string, body?: string, type = json): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${cluster.ready!.server}${path}`,
        { method, agent: false, ...credentials, headers: body === undefined ? {} : { 'content-type': type } },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            const { reason = '', message = '' } = JSON.parse(Buffer.concat(parts).toString()) as Partial<Answer>;
            resolve({
              code: response.statusCode!,
              reason,
              message,
              warning: String(response.headers['warning'] ?? ''),
            });
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
  const object = (fields: object) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...fields });
  const long = 'n'.repeat(300);

  it.each<[string, string, string, string | undefined, string, number, string, RegExp]>([
    ['malformed JSON', 'POST', configMaps, '{"a":', json, 400, 'BadRequest', /json|JSON|unexpected end/],
    ['malformed YAML', 'POST', configMaps, 'a: [b\n', 'application/yaml', 400, 'BadRequest', /yaml|YAML/],
    ['an empty body', 'POST', configMaps, '', json, 400, 'BadRequest', /./],
    ['JSON that is no object', 'POST', configMaps, '[1]', json, 400, 'BadRequest', /./],
    ['an unknown media type', 'POST', configMaps, 'x', 'text/csv', 415, 'UnsupportedMediaType', /text\/csv|media type/],
    [
      'another kind than the path has',
      'POST',
      configMaps,
      object({ kind: 'Secret', metadata: { name: 'x' } }),
      json,
      400,
      'BadRequest',
      /Secret.*ConfigMap|ConfigMap.*Secret/,
    ],
    [
      'another version than the path has',
      'POST',
      configMaps,
      object({ apiVersion: 'v2', metadata: { name: 'x' } }),
      json,
      400,
      'BadRequest',
      /v2/,
    ],
    [
      'another namespace than the path has',
      'POST',
      configMaps,
      object({ metadata: { name: 'x', namespace: 'kube-system' } }),
      json,
      400,
      'BadRequest',
      /namespace of the provided object does not match the namespace sent on the request/,
    ],
    [
      'another name than the path has',
      'PUT',
      `${configMaps}/here`,
      object({ metadata: { name: 'x' } }),
      json,
      400,
      'BadRequest',
      /the name of the object \(x\) does not match the name on the URL \(here\)/,
    ],
    [
      'no name at all',
      'POST',
      configMaps,
      object({ metadata: {} }),
      json,
      422,
      'Invalid',
      /metadata\.name: Required value: name or generateName is required/,
    ],
    [
      'a name of 300 characters',
      'POST',
      configMaps,
      object({ metadata: { name: long } }),
      json,
      422,
      'Invalid',
      /metadata\.name: Invalid value: "n{300}": must be no more than 253 (characters|bytes)/,
    ],
    [
      'a value of the wrong type',
      'POST',
      configMaps,
      object({ metadata: { name: 'x' }, data: { a: 1 } }),
      json,
      400,
      'BadRequest',
      /data/,
    ],
    [
      'an unknown field, strictly',
      'POST',
      `${configMaps}?fieldValidation=Strict`,
      object({ metadata: { name: 'x' }, dta: {} }),
      json,
      400,
      'BadRequest',
      /strict decoding error: unknown field "dta"/,
    ],
    [
      'a field twice, strictly',
      'POST',
      `${configMaps}?fieldValidation=Strict`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","a":"2"}}',
      json,
      400,
      'BadRequest',
      /duplicate field "data\.a"/,
    ],
    [
      'a resourceVersion that is no number',
      'GET',
      `${configMaps}?resourceVersion=abc`,
      undefined,
      json,
      400,
      'BadRequest',
      /abc/,
    ],
    [
      'a resourceVersion in the future',
      'GET',
      `${configMaps}/here?resourceVersion=999999999`,
      undefined,
      json,
      504,
      'Timeout',
      /Too large resource version: 999999999, current: \d+/,
    ],
    [
      'a watch from a resourceVersion that is no number',
      'GET',
      `${configMaps}?watch=1&resourceVersion=abc`,
      undefined,
      json,
      400,
      'BadRequest',
      /abc/,
    ],
    [
      'a list that continues nothing',
      'GET',
      `${configMaps}?continue=zzz&limit=1`,
      undefined,
      json,
      400,
      'BadRequest',
      /continue/,
    ],
    ['a selector that is none', 'GET', `${configMaps}?labelSelector=a,,%3D`, undefined, json, 400, 'BadRequest', /./],
    [
      'a field that cannot be selected',
      'GET',
      `${configMaps}?fieldSelector=data.a%3D1`,
      undefined,
      json,
      400,
      'BadRequest',
      /"data\.a" is not a known field selector: only "metadata\.name", "metadata\.namespace"/,
    ],
    [
      'an update of what is not there',
      'PUT',
      `${configMaps}/gone`,
      object({ metadata: { name: 'gone', resourceVersion: '1' } }),
      json,
      404,
      'NotFound',
      /configmaps "gone" not found/,
    ],
    [
      'a stale update',
      'PUT',
      `${configMaps}/here`,
      object({ metadata: { name: 'here', resourceVersion: '1' } }),
      json,
      409,
      'Conflict',
      /Operation cannot be fulfilled on configmaps "here": the object has been modified; please apply your changes to the latest version and try again/,
    ],
    [
      'a patch that does not apply',
      'PATCH',
      `${configMaps}/here`,
      '[{"op":"test","path":"/data/a","value":"2"}]',
      'application/json-patch+json',
      422,
      'Invalid',
      /test|the server rejected our request/,
    ],
    [
      'a patch of a path that is not there',
      'PATCH',
      `${configMaps}/here`,
      '[{"op":"remove","path":"/data/zzz"}]',
      'application/json-patch+json',
      422,
      'Invalid',
      /./,
    ],
    [
      'a patch that is none',
      'PATCH',
      `${configMaps}/here`,
      '{"op":',
      'application/merge-patch+json',
      400,
      'BadRequest',
      /./,
    ],
    [
      'a patch of no known form',
      'PATCH',
      `${configMaps}/here`,
      '{}',
      json,
      415,
      'UnsupportedMediaType',
      /^415: Unsupported Media Type$/,
    ],
    [
      'a patch with a stale resourceVersion',
      'PATCH',
      `${configMaps}/here`,
      '{"metadata":{"resourceVersion":"1"}}',
      'application/merge-patch+json',
      409,
      'Conflict',
      /the object has been modified/,
    ],
    [
      'a resource that is none',
      'GET',
      '/api/v1/namespaces/default/nonesuch',
      undefined,
      json,
      404,
      'NotFound',
      /the server could not find the requested resource/,
    ],
    [
      'a method that is none',
      'PUT',
      configMaps,
      object({ metadata: { name: 'x' } }),
      json,
      405,
      'MethodNotAllowed',
      /the server does not allow this method on the requested resource/,
    ],
  ])('is told: %s', async (_, method, path, body, type, code, reason, message) => {
    expect(await ask(method, path, body, type)).toMatchObject({
      code,
      reason,
      message: expect.stringMatching(message),
    });
  });

  it('refuses a body of 4 MB and serves the next request', async () => {
    const body = object({ metadata: { name: 'big' }, data: { a: 'x'.repeat(4 << 20) } });
    expect(await ask('POST', configMaps, body)).toMatchObject({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: expect.stringMatching(/limit is 3145728/),
    });
    const fits = object({ metadata: { name: 'fairly-big' }, data: { a: 'x'.repeat(1_000_000) } });
    expect((await ask('POST', configMaps, fits)).code).toBe(201);
    const tooMuch = object({ metadata: { name: 'too-big' }, data: { a: 'x'.repeat(1_100_000) } });
    expect(await ask('POST', configMaps, tooMuch)).toMatchObject({
      code: 422,
      message: expect.stringMatching(/Too long: may not be more than 1048576 bytes/),
    });
  });

  it('warns of an unknown field unless told otherwise', async () => {
    const answer = await ask('POST', configMaps, object({ metadata: { name: 'warned' }, dta: {} }));
    expect(answer).toMatchObject({ code: 201, warning: '299 - "unknown field \\"dta\\""' });
  });

  it('has kubectl say what is wrong', async () => {
    const said = async (text: string, ...args: string[]) => {
      const { code, stderr } = await cluster.kubectlOf('1.36', args, text);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await said('a: [b', 'apply', '-f', '-')).toMatch(/error parsing STDIN|error converting YAML/);
    expect(
      await said('apiVersion: v1\nkind: Nope\nmetadata: {name: x}\n', 'create', '--validate=false', '-f', '-'),
    ).toContain('no matches for kind "Nope" in version "v1"');
    expect(await said('', 'create', 'configmap', long)).toContain('must be no more than 253');
    expect(
      await said('', 'patch', 'cm', 'here', '--type=json', '-p', '[{"op":"replace","path":"/x/y","value":1}]'),
    ).toMatch(/here.*invalid|rejected/);
    expect(await said('', 'run', 'x', '--image=')).toMatch(/image/);
  });

  it('is not disturbed by a second `up` on its directory', async () => {
    const second = await up(cluster.dataDir);
    expect({ code: second.code, stderr: second.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(new RegExp(`already runs \\(process ${cluster.pid}\\); 'skiff down`)),
    });
    const other = await up(cluster.dataDir, '--service-cidr', '10.64.0.0/16');
    expect(other.code).toBe(1);
    expect((await skiff('status', '--data-dir', cluster.dataDir)).stdout).toContain(`(process ${cluster.pid})`);
  });

  it('has lost nothing of it', async () => {
    expect(await cluster.must('get', 'cm', 'here', '-o', 'jsonpath={.data}')).toBe('{"a":"1"}');
    const names = await cluster.must('get', 'cm', '-o', 'jsonpath={.items[*].metadata.name}');
    expect(names.split(' ').sort()).toEqual(['fairly-big', 'here', 'kube-root-ca.crt', 'warned']);
  });
});

describe('two `up` at once on one directory', () => {
  it('gives one cluster and one refusal', async () => {
    const clusters = [1, 2].map(() => new UpCluster(inScratch('twice')));
    mkdirSync(inScratch('twice'));
    const results = await Promise.allSettled(clusters.map((c) => c.start('--runtime', 'hollow')));
    const refused = results.filter((r) => r.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(String(refused[0]!.reason)).toMatch(/already runs \(process \d+\)/);
    for (const cluster of clusters) await cluster.stop();
  });
});
