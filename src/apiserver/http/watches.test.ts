/** The whole way of many watches: listener, chain, registry, watch cache. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { memoryClusterPki } from '../../pki/pki-files.ts';
import { createMemoryStore } from '../../store/memory/memory-store.ts';
import { createApiServer } from '../server.ts';
import { Listener } from './listener.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Live objects alone: garbage is collected first. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  return process.memoryUsage().heapUsed;
}

test('1,000 watches see a write, are cancelled, and leave nothing behind', async () => {
  const errors: string[] = [];
  const onError = (error: unknown, what: string) => errors.push(`${what}: ${error}`);
  const store = createMemoryStore({ clock: realClock });
  const pki = memoryClusterPki({ nowMs: Date.now() });
  const server = createApiServer({}, { store, clock: realClock, random: secureRandom, onError });
  const listener = new Listener(
    { bindAddresses: ['127.0.0.1'], port: 0, ...pki.apiserver, clientCaPem: pki.ca.certPem, onError },
    server.handler,
  );
  await listener.start();
  await server.start({ securePort: listener.port });
  const { certPem: cert, keyPem: key } = pki.client('super-admin');
  const dial = () => connect(`https://127.0.0.1:${listener.port}`, { ca: pki.ca.certPem, cert, key });
  const path = '/api/v1/namespaces/default/configmaps';
  const openWatches = () => {
    const line = /^apiserver_longrunning_requests\{verb="WATCH",.*resource="configmaps".*\} (\d+)$/m;
    return Number(line.exec(server.metrics.registry.text())?.[1]);
  };

  const sessions: ClientHttp2Session[] = Array.from({ length: 5 }, dial);
  const streams: ClientHttp2Stream[] = sessions.flatMap((session) =>
    Array.from({ length: 200 }, () => session.request({ ':path': `${path}?watch=1` })),
  );
  let seen = 0;
  for (const stream of streams) {
    // An event may come in pieces.
    let text = '';
    stream.on('data', (data: Buffer) => {
      text += data.toString();
      const events = text.split('"ADDED"');
      seen += events.length - 1;
      text = events.at(-1)!;
    });
  }
  await Promise.all(streams.map((stream) => once(stream, 'response')));
  expect(openWatches()).toBe(1000);

  const write = sessions[0]!.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
  write.end(JSON.stringify({ metadata: { name: 'seen-by-all' } }));
  expect((await once(write, 'response'))[0][':status']).toBe(201);
  write.resume();
  await until(() => seen === 1000);

  const [sibling] = streams;
  for (const stream of streams.slice(1)) stream.close(8);
  await until(() => listener.openRequests === 1 && openWatches() === 1);
  const before = seen;
  const again = sessions[4]!.request({ ':method': 'DELETE', ':path': `${path}/seen-by-all` });
  again.end();
  again.resume();
  const [data] = (await once(sibling!, 'data')) as [Buffer];
  expect(data.toString()).toContain('"DELETED"');
  expect(seen).toBe(before);

  // Their memory is gone too: what a round of watches leaves is far below the 10 KB and more that one takes while open.
  const round = async () => {
    const more = sessions.flatMap((session) =>
      Array.from({ length: 199 }, () => session.request({ ':path': `${path}?watch=1` }).resume()),
    );
    await Promise.all(more.map((stream) => once(stream, 'response')));
    for (const stream of more) stream.close(8);
    await until(() => listener.openRequests === 1 && openWatches() === 1);
  };
  await round();
  const afterFirst = heapBytes();
  await round();
  expect(heapBytes() - afterFirst).toBeLessThan(995 * 1024);

  // A graceful stop ends the last one in order.
  const ended = once(sibling!, 'end');
  await server.stop();
  await listener.stop();
  await ended;
  expect(openWatches()).toBe(0);
  for (const session of sessions) session.destroy();
  await store.close();
  expect(errors).toEqual([]);
});
