import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Handler, WatchFrame, WireRequest, WireResponse } from '../../machinery/wire.ts';
import type { ClusterPki } from '../../pki/cluster-pki.ts';
import { memoryClusterPki } from '../../pki/pki-files.ts';
import { Listener } from './listener.ts';

const pki: ClusterPki = memoryClusterPki({ nowMs: Date.now() });
const text = (body: string, status = 200): WireResponse => ({
  kind: 'bytes',
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(body),
});

/** A watch that ends when the request does, and can be fed. */
function feed(signal: AbortSignal) {
  const queue: (readonly WatchFrame[])[] = [];
  let wake = () => {};
  let ended = false;
  signal.addEventListener('abort', () => {
    ended = true;
    wake();
  });
  async function* frames() {
    for (;;) {
      const batch = queue.shift();
      if (batch) yield batch;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const frame = (line: string): WatchFrame => ({ type: 'ADDED', bytes: Buffer.from(`${line}\n`), object: undefined });
  return {
    frames: frames(),
    send: (...lines: string[]) => {
      queue.push(lines.map(frame));
      wake();
    },
  };
}

let handler: Handler = async () => text('{}');
let listener: Listener;
const sessions: ClientHttp2Session[] = [];

beforeEach(async () => {
  listener = new Listener(
    {
      bindAddresses: ['127.0.0.1'],
      port: 0,
      ...pki.apiserver,
      clientCaPem: pki.ca.certPem,
      requestheaderClientCaPem: pki.frontProxyCa.certPem,
      kubelet: { ...pki.apiserverKubeletClient, caPem: pki.ca.certPem },
    },
    (request) => handler(request),
  );
  await listener.start();
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await listener.stop(100);
});

function http2(tls: object = {}): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${listener.port}`, { ca: pki.ca.certPem, ...tls });
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

async function get2(session: ClientHttp2Session, path: string, headers: object = {}, body?: Buffer) {
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET', ...headers });
  stream.on('error', () => {});
  stream.end(body);
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { head, body: Buffer.concat(chunks) };
}

async function get1(path: string, options: object = {}, body?: Buffer) {
  const request = httpsRequest(`https://127.0.0.1:${listener.port}${path}`, { ca: pki.ca.certPem, ...options });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { answer, body: Buffer.concat(chunks).toString() };
}

describe('requests', () => {
  test('arrive whole over HTTP/1.1 and HTTP/2', async () => {
    const seen: WireRequest[] = [];
    handler = async (request) => {
      seen.push(request);
      return text('{"a":1}', 201);
    };
    const one = await get1('/x?y=1', { method: 'POST', headers: { 'X-A': 'b' } }, Buffer.from('body'));
    const two = await get2(http2(), '/x?y=1', { 'x-a': 'b' }, Buffer.from('body'));
    expect(one.answer.statusCode).toBe(201);
    expect(two.head[':status' as keyof IncomingHttpHeaders]).toBe(201);
    expect([one.body, two.body.toString()]).toEqual(['{"a":1}', '{"a":1}']);
    for (const request of seen) {
      expect(request).toMatchObject({ method: 'POST', url: '/x?y=1' });
      expect(request.headers['x-a']).toBe('b');
      expect(Buffer.from(request.body!).toString()).toBe('body');
      expect(request.peerCertificate).toBeUndefined();
    }
  });

  test('carry the subject of a verified client certificate', async () => {
    handler = async (request) => text(JSON.stringify(request.peerCertificate ?? null));
    const { certPem: cert, keyPem: key } = pki.client({ commonName: 'fred', organizations: ['a', 'b'] });
    expect(JSON.parse((await get1('/', { cert, key })).body)).toEqual({
      credentialId: expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/),
      commonName: 'fred',
      organizations: ['a', 'b'],
    });
    expect(JSON.parse((await get2(http2({ cert, key }), '/')).body.toString())).toMatchObject({ commonName: 'fred' });
  });

  test('tell a front proxy from a client by who has signed its certificate, and keep its values apart', async () => {
    handler = async ({ peerCertificate, frontProxy, headers }) =>
      text(
        JSON.stringify({
          user: peerCertificate?.commonName,
          proxy: frontProxy?.commonName,
          groups: frontProxy?.valuesOf('x-remote-group'),
          joined: headers['x-remote-group'],
        }),
      );
    const { certPem: cert, keyPem: key } = pki.frontProxyClient;
    const groups = { 'X-Remote-Group': ['a, b', 'c'] };
    const proxied = { proxy: 'front-proxy-client', groups: ['a, b', 'c'], joined: 'a, b, c' };
    expect(JSON.parse((await get1('/', { cert, key, headers: groups })).body)).toEqual(proxied);
    const fred = pki.client({ commonName: 'fred', organizations: [] });
    const asFred = await get1('/', { cert: fred.certPem, key: fred.keyPem, headers: groups });
    expect(JSON.parse(asFred.body)).toEqual({ user: 'fred', joined: 'a, b, c' });
    const session = http2({ cert, key });
    expect(JSON.parse((await get2(session, '/', { 'x-remote-group': ['a, b', 'c'] })).body.toString())).toEqual(
      proxied,
    );
  });

  test('with a certificate of another CA are answered 401', async () => {
    const other = memoryClusterPki({ nowMs: Date.now() }).client('admin');
    const { answer, body } = await get1('/', { cert: other.certPem, key: other.keyPem });
    expect(answer.statusCode).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' });
  });

  test('with a body over 3 MiB are answered 413', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024);
    const { head, body: answer } = await get2(http2(), '/x', {}, body);
    expect(head[':status' as keyof IncomingHttpHeaders]).toBe(413);
    expect(JSON.parse(answer.toString())).toMatchObject({
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 3145728',
    });
  });
});

test('bodies over 128 KiB are compressed for who accepts it', async () => {
  const big = JSON.stringify('x'.repeat(200_000));
  handler = async () => text(big);
  const session = http2();
  const zipped = await get2(session, '/', { 'accept-encoding': 'gzip' });
  expect(zipped.head['content-encoding']).toBe('gzip');
  expect(gunzipSync(zipped.body).toString()).toBe(big);
  expect((await get2(session, '/')).head['content-encoding']).toBeUndefined();
});

test("a watch's 200 is there before its first event, over both versions", async () => {
  let watch: ReturnType<typeof feed> | undefined;
  handler = async (request) => {
    watch = feed(request.signal);
    return { kind: 'watch', status: 200, headers: { 'content-type': 'application/json' }, frames: watch.frames };
  };
  const stream = http2().request({ ':path': '/watch' });
  await once(stream, 'response');
  watch!.send('{"n":1}', '{"n":2}');
  const [data] = (await once(stream, 'data')) as [Buffer];
  expect(data.toString()).toContain('{"n":1}\n');
  stream.close();

  const request = httpsRequest(`https://127.0.0.1:${listener.port}/watch`, { ca: pki.ca.certPem });
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  watch!.send('{"n":3}');
  expect(((await once(answer, 'data')) as [Buffer])[0].toString()).toBe('{"n":3}\n');
  request.destroy();
});

/** Waits for something that happens by I/O alone. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('1,000 watches on few connections: all cancelled ones are gone, no sibling is cut off', async () => {
  let open = 0;
  const feeds = new Map<string, ReturnType<typeof feed>>();
  handler = async (request) => {
    open++;
    request.signal.addEventListener('abort', () => open--);
    const watch = feed(request.signal);
    feeds.set(request.url, watch);
    return { kind: 'watch', status: 200, headers: {}, frames: watch.frames };
  };
  const clients = Array.from({ length: 5 }, () => http2());
  const streams = clients.flatMap((client, c) =>
    Array.from({ length: 200 }, (_, i) => client.request({ ':path': `/${c}/${i}` })),
  );
  await Promise.all(streams.map((stream) => once(stream, 'response')));
  expect(open).toBe(1000);

  const siblings = streams.filter((_, i) => i % 200 === 0);
  for (const stream of streams) if (!siblings.includes(stream)) stream.close(8);
  await until(() => open === siblings.length);
  expect(listener.openRequests).toBe(siblings.length);
  for (const [i, stream] of siblings.entries()) {
    feeds.get(`/${i}/0`)!.send('still here');
    expect(((await once(stream, 'data')) as [Buffer])[0].toString()).toBe('still here\n');
  }
});

test('4,000 resets break no sibling: the connection is retired gracefully in time', async () => {
  const feeds: ReturnType<typeof feed>[] = [];
  handler = async (request) => {
    const watch = feed(request.signal);
    if (request.url === '/sibling') feeds.push(watch);
    return { kind: 'watch', status: 200, headers: {}, frames: watch.frames };
  };
  const siblings: ClientHttp2Stream[] = [];
  const goaways: number[] = [];
  let client: ClientHttp2Session | undefined;
  for (let round = 0; round < 20; round++) {
    if (client === undefined || client.closed) {
      client = http2();
      client.on('goaway', (code) => goaways.push(code));
      siblings.push(client.request({ ':path': '/sibling' }));
      await once(siblings.at(-1)!, 'response');
    }
    const streams = Array.from({ length: 200 }, () => client!.request({ ':path': '/w' }));
    await Promise.all(streams.map((stream) => once(stream, 'response')));
    for (const stream of streams) stream.close(8);
    await until(() => listener.openRequests === siblings.length);
    // A GOAWAY that is on its way arrives before the answer to a ping.
    await new Promise((resolve) => client!.ping(resolve));
  }
  expect(goaways.length).toBeGreaterThan(0);
  expect(goaways.every((code) => code === 0)).toBe(true);
  for (const [i, stream] of siblings.entries()) {
    feeds[i]!.send('still here');
    expect(((await once(stream, 'data')) as [Buffer])[0].toString()).toBe('still here\n');
  }
});

test('stop ends watches cleanly and says GOAWAY', async () => {
  handler = async (request) => ({ kind: 'watch', status: 200, headers: {}, frames: feed(request.signal).frames });
  const client = http2();
  const stream = client.request({ ':path': '/w' });
  stream.resume();
  await once(stream, 'response');
  const ended = once(stream, 'end');
  await listener.stop();
  await ended;
  expect(stream.rstCode).toBe(0);
});

describe('proxied requests', () => {
  const target = createServer();
  let url = '';
  beforeEach(async () => {
    target.removeAllListeners('request').removeAllListeners('upgrade');
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/t`;
    handler = async () => ({ kind: 'proxy', target: { url, method: 'GET', headers: {}, trust: 'none' } });
  });
  afterEach(() => {
    target.closeAllConnections();
    target.close();
  });

  test('are streamed through with status and headers', async () => {
    target.on('request', (_, response) => {
      response.writeHead(202, { 'content-type': 'text/x', connection: 'close' });
      response.write('first');
      response.end('second');
    });
    const { head, body } = await get2(http2(), '/p');
    expect(head).toMatchObject({ ':status': 202, 'content-type': 'text/x' });
    expect(body.toString()).toBe('firstsecond');
  });

  test('to a target that is gone are answered 503', async () => {
    target.close();
    const { head, body } = await get2(http2(), '/p');
    expect(head[':status' as keyof IncomingHttpHeaders]).toBe(503);
    expect(JSON.parse(body.toString())).toMatchObject({ reason: 'ServiceUnavailable' });
  });

  test('upgrade joins the connections, and all that was sent arrives before the end', async () => {
    target.on('upgrade', (request, socket) => {
      expect(request.headers['x-stream-protocol-version']).toBe('v5, v4');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Got: it\r\n\r\n');
      socket.once('data', (data: Buffer) => socket.end(Buffer.concat([data, Buffer.alloc(500_000, 'z')])));
    });
    const request = httpsRequest(`https://127.0.0.1:${listener.port}/exec`, {
      ca: pki.ca.certPem,
      agent: new Agent(),
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': ['v5', 'v4'] },
    });
    request.end();
    const [answer, socket] = (await once(request, 'upgrade')) as [IncomingMessage, import('node:net').Socket];
    expect(answer.headers['x-got']).toBe('it');
    socket.write('hello');
    let size = 0;
    for await (const chunk of socket) size += (chunk as Buffer).length;
    expect(size).toBe(500_005);
  });

  test('an answer other than 101 is relayed', async () => {
    target.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
    const { answer, body } = await get1('/exec', { headers: { connection: 'Upgrade', upgrade: 'websocket' } });
    expect([answer.statusCode, body]).toEqual([403, 'no']);
  });
});

describe('a WebSocket', () => {
  const messages = async (path: string, subprotocol: string[]) => {
    const socket = new WebSocket(`wss://127.0.0.1:${listener.port}${path}`, subprotocol, { ca: pki.ca.certPem });
    const seen: string[] = [];
    socket.on('message', (data, isBinary) => seen.push(`${isBinary ? 'binary' : 'text'} ${data.toString()}`));
    const [code] = (await once(socket, 'close')) as [number];
    return [...seen, code];
  };

  test('gets a log as messages, then the end', async () => {
    const log = createServer((_, response) => response.end('a line\n'));
    log.listen(0, '127.0.0.1');
    await once(log, 'listening');
    const url = `http://127.0.0.1:${(log.address() as AddressInfo).port}/log`;
    handler = async () => ({
      kind: 'proxy',
      target: { url, method: 'GET', headers: {}, trust: 'none', streams: true },
    });
    expect(await messages('/log', ['binary.k8s.io'])).toEqual(['binary a line\n', 1000]);
    expect(await messages('/log', ['base64.binary.k8s.io'])).toEqual(['text YSBsaW5lCg==', 1000]);
    log.close();
  });

  test('gets each event of a watch as a message', async () => {
    async function* frames() {
      yield [
        { type: 'ADDED' as const, bytes: Buffer.from('{"a":1}\n'), object: undefined },
        { type: 'ADDED' as const, bytes: Buffer.from('{"b":1}\n'), object: undefined },
      ];
    }
    const headers = { 'content-type': 'application/json' };
    handler = async () => ({ kind: 'watch', status: 200, headers, frames: frames() });
    expect(await messages('/w', [])).toEqual(['text {"a":1}\n', 'text {"b":1}\n', 1000]);
  });
});

test('a port in use is named', async () => {
  const second = new Listener({ bindAddresses: ['127.0.0.1'], port: listener.port, ...pki.apiserver }, handler);
  await expect(second.start()).rejects.toThrow(/listening at 127.0.0.1:\d+ failed: the port is in use/);
});

describe('clients that misbehave bring nobody else down', () => {
  const garbage = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + 13) & 0xff));
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const cases: [string, string | undefined, (string | Buffer)[]][] = [
    ['plain HTTP on the TLS port', undefined, ['GET / HTTP/1.1\r\nHost: x\r\n\r\n']],
    ['noise on the TLS port', undefined, [garbage]],
    ['noise for HTTP/2', 'h2', [garbage]],
    ['noise behind the preface', 'h2', [preface, garbage]],
    ['a frame cut in the middle', 'h2', [preface, Buffer.from([0, 0, 40, 4, 0, 0, 0])]],
    ['noise for HTTP/1.1', 'http/1.1', [garbage]],
    ['a body that never comes', 'http/1.1', ['POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc']],
    [
      'an upgrade that is left',
      'http/1.1',
      ['GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n'],
    ],
    ['two lengths', 'http/1.1', ['POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab']],
  ];
  test.each(cases)('%s', async (_, protocol, parts) => {
    handler = async () => text('"fine"');
    const port = { port: listener.port, host: '127.0.0.1' };
    const socket = protocol ? connectTls({ ...port, ca: pki.ca.certPem, ALPNProtocols: [protocol] }) : connectTcp(port);
    socket.on('error', () => {});
    await once(socket, protocol ? 'secureConnect' : 'connect');
    for (const part of parts) socket.write(part);
    // The server has read all of it once it has answered somebody else who came later.
    expect((await get2(http2(), '/')).body.toString()).toBe('"fine"');
    socket.destroy();
    expect((await get1('/')).body).toBe('"fine"');
    await until(() => listener.openRequests === 0);
  });
});

test('what is no HTTP is answered 400', async () => {
  const socket = connectTls({
    port: listener.port,
    host: '127.0.0.1',
    ca: pki.ca.certPem,
    ALPNProtocols: ['http/1.1'],
  });
  socket.write('nonsense\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  expect(data.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  socket.destroy();
});
