import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../base/node/real-clock.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import { CertificateAuthority } from '../../pki/certificate.ts';
import { kubeconfigText } from '../../pki/kubeconfig.ts';
import { FakeServer } from '../fake/server.ts';
import { createClient } from '../rest.ts';
import { createHttpsTransport, type HttpsTransportOptions } from './https.ts';
import { inClusterConfig, loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';

const pods = { group: '', version: 'v1', resource: 'pods' };
const nowMs = Date.now();
const validity = { notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 3_600_000 };
const ca = CertificateAuthority.create('test-ca', validity.notBeforeMs, validity.notAfterMs);
const serving = ca.issue({
  commonName: 'server',
  sans: ['127.0.0.1', 'localhost'],
  usages: ['serverAuth'],
  ...validity,
});
const alice = ca.issue({ commonName: 'alice', usages: ['clientAuth'], ...validity });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Kind = 'h2' | 'h1' | 'plain';

/** A fake API server behind real sockets. */
async function listen(kind: Kind) {
  const server = new FakeServer();
  const sockets = new Set<Socket>();
  const seen: { authorization?: string; user?: UserInfo; version: string }[] = [];
  const handle = async (req: http.IncomingMessage | http2.Http2ServerRequest, res: http.ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const cn = (req.socket as tls.TLSSocket).getPeerCertificate?.()?.subject?.CN;
    seen.push({
      version: req.httpVersion,
      ...(req.headers.authorization ? { authorization: req.headers.authorization } : {}),
      ...(cn ? { user: { username: String(cn), groups: [] } } : {}),
    });
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const answer = await server.handler({
      method: req.method!,
      url: req.url!,
      headers: {},
      ...(chunks.length ? { body: Buffer.concat(chunks) } : {}),
      signal: gone.signal,
    });
    if (answer.kind === 'bytes') {
      res.writeHead(answer.status);
      res.end(answer.body);
    } else if (answer.kind === 'watch') {
      res.writeHead(answer.status);
      (res as { flushHeaders?: () => void }).flushHeaders?.();
      for await (const batch of answer.frames) for (const frame of batch) res.write(frame.bytes);
      res.end();
    }
  };
  const options = {
    key: serving.keyPem,
    cert: serving.certPem,
    ca: ca.certPem,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const listener =
    kind === 'h2'
      ? http2.createSecureServer(
          { ...options, allowHTTP1: true, settings: { maxConcurrentStreams: 4 } },
          handle as never,
        )
      : kind === 'h1'
        ? https.createServer(options, handle as never)
        : http.createServer(handle as never);
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(() => {
    cut();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  const connect = (extra: Partial<HttpsTransportOptions> = {}) => {
    const transport = createHttpsTransport({
      server: `${kind === 'plain' ? 'http' : 'https'}://127.0.0.1:${port}`,
      clock: realClock,
      ca: ca.certPem,
      ...extra,
    });
    cleanups.push(() => transport.close());
    return { transport, pods: createClient({ transport, clock: realClock }).resource(pods).namespace('a') };
  };
  return { server, seen, sockets, cut, connect, port };
}

const kinds: Kind[] = ['h2', 'h1', 'plain'];

test.each(kinds)('https transport, %s, writes, reads and reuses its connection', async (kind) => {
  const { seen, sockets, connect } = await listen(kind);
  const client = connect({ token: 't0ken' });
  await client.pods.create({ metadata: { name: 'x', labels: { big: 'y'.repeat(300_000) } } });
  expect((await client.pods.get('x')).metadata.labels!['big']).toHaveLength(300_000);
  await expect(client.pods.get('nope')).rejects.toMatchObject({ code: 404, reason: 'NotFound' });
  expect(seen.map((s) => s.version)).toEqual(Array(3).fill(kind === 'h2' ? '2.0' : '1.1'));
  expect(seen[0]!.authorization).toBe('Bearer t0ken');
  expect(sockets.size).toBe(1);
});

test.each(kinds)(
  'https transport, %s, a watch streams, and is cancelled on the server when its reader leaves',
  async (kind) => {
    const { server, connect } = await listen(kind);
    const client = connect();
    const got: (string | undefined)[] = [];
    for await (const batch of client.pods.watch({ sendInitialEvents: true })) {
      for (const { type, object } of batch) got.push(type === 'BOOKMARK' ? type : object.metadata.name);
      if (got.length < 3) server.put('v1/pods', { metadata: { name: `p${got.length}`, namespace: 'a' } });
      else break;
    }
    expect(got).toEqual(['BOOKMARK', 'p1', 'p2']);
    await expect.poll(() => server.watchers).toBe(0);
  },
);

test.each(kinds)('https transport, %s, a watch is aborted by its signal', async (kind) => {
  const { server, connect } = await listen(kind);
  const client = connect();
  const controller = new AbortController();
  const watching = (async () => {
    for await (const _ of client.pods.watch({ sendInitialEvents: true, signal: controller.signal }))
      controller.abort(new Error('enough'));
  })();
  await expect(watching).rejects.toThrow('enough');
  await expect.poll(() => server.watchers).toBe(0);
});

test.each(kinds)(
  'https transport, %s, connection cut, watches break with TransportError and the next request connects anew',
  async (kind) => {
    const { cut, connect } = await listen(kind);
    const client = connect();
    const watching = (async () => {
      for await (const _ of client.pods.watch({ sendInitialEvents: true })) cut();
    })();
    await expect(watching).rejects.toMatchObject({ name: 'TransportError' });
    expect((await client.pods.list()).items).toEqual([]);
  },
);

test('https transport, a server that closes a watch in good order, ends it in good order', async () => {
  const { server, connect } = await listen('h2');
  const client = connect();
  let batches = 0;
  for await (const _ of client.pods.watch({ sendInitialEvents: true })) {
    batches++;
    server.cutWatches('closed');
  }
  expect(batches).toBe(1);
});

test('https transport, more watches than the server allows streams, opens more connections', async () => {
  const { server, sockets, connect } = await listen('h2');
  const client = connect();
  await client.pods.list();
  const controller = new AbortController();
  const watches = Array.from({ length: 10 }, async () => {
    for await (const _ of client.pods.watch({ sendInitialEvents: true, signal: controller.signal }));
  });
  await expect.poll(() => server.watchers).toBe(10);
  expect((await client.pods.list()).items).toEqual([]);
  expect(sockets.size).toBe(3);
  controller.abort();
  await Promise.allSettled(watches);
});

test('https transport, client certificate of a kubeconfig, is what the server sees', async () => {
  const { seen, connect, port } = await listen('h2');
  const folder = await mkdtemp(join(tmpdir(), 'skiff-kubeconfig-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'config');
  const server = `https://127.0.0.1:${port}`;
  await writeFile(path, kubeconfigText({ server, caPem: ca.certPem, userName: 'alice', credentials: alice }));
  const config = await loadKubeconfig(path);
  expect(config).toMatchObject({ server, namespace: 'default' });
  await connect(config).pods.list();
  expect(seen[0]!.user?.username).toBe('alice');
});

test.each([
  ['nobody listens', { server: 'https://127.0.0.1:1' }, 'ECONNREFUSED'],
  [
    'an unknown authority',
    { ca: CertificateAuthority.create('other', validity.notBeforeMs, validity.notAfterMs).certPem },
    'certificate',
  ],
  ['a wrong name', { tlsServerName: 'elsewhere' }, 'elsewhere'],
])('https transport, %s, rejects with TransportError', async (_, extra, message) => {
  const { connect } = await listen('h2');
  const listing = connect(extra).pods.list();
  await expect(listing).rejects.toMatchObject({ name: 'TransportError' });
  await expect(listing).rejects.toThrow(message);
});

test('https transport, server that drops every connection after the handshake, rejects instead of spinning', async () => {
  const listener = tls.createServer({ key: serving.keyPem, cert: serving.certPem, ALPNProtocols: ['h2'] }, (socket) =>
    socket.destroy(),
  );
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => listener.close());
  const { port } = listener.address() as AddressInfo;
  const transport = createHttpsTransport({ server: `https://127.0.0.1:${port}`, clock: realClock, ca: ca.certPem });
  cleanups.push(() => transport.close());
  await expect(transport.request({ method: 'GET', url: '/' })).rejects.toMatchObject({ name: 'TransportError' });
  await expect(transport.request({ method: 'GET', url: '/' })).rejects.toMatchObject({ name: 'TransportError' });
});

test('https transport, token file replaced and old token refused, sends the new one', async () => {
  const { server, seen, connect } = await listen('h2');
  const folder = await mkdtemp(join(tmpdir(), 'skiff-token-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'one\n');
  const client = connect({ tokenFile });
  await client.pods.list();
  await writeFile(tokenFile, 'two\n');
  const { StatusError } = await import('../../machinery/status/status.ts');
  const { newUnauthorized } = await import('../../machinery/status/errors.ts');
  server.intercept = () => {
    server.intercept = undefined;
    throw new StatusError(newUnauthorized().status);
  };
  await expect(client.pods.list()).rejects.toMatchObject({ code: 401 });
  await client.pods.list();
  expect(seen.map((s) => s.authorization)).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
});

test.each([
  ['not YAML', '{', 'is not YAML'],
  ['no context', 'clusters: []', 'names no current-context'],
  ['unknown context', 'current-context: c', "has no context 'c'"],
  [
    'exec plugin',
    'current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: s}}]\nusers: [{name: u, user: {exec: {}}}]',
    'exec plugin',
  ],
])('kubeconfig, %s, says so', async (_, text, message) => {
  await expect(parseKubeconfig(text, { path: '/x/config' })).rejects.toThrow(message);
});

test('in-cluster configuration, variables missing, says which', async () => {
  await expect(inClusterConfig({})).rejects.toThrow('KUBERNETES_SERVICE_HOST');
});
