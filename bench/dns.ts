// The cluster's name server: answers a second, over UDP on loopback and without a socket. `npm run bench -- dns [--runs N]`
// One core serves, another asks: the figure is of the server's process alone.
import { Worker } from 'node:worker_threads';
import { encode } from 'dns-packet';
import { realClock } from '../src/base/node/real-clock.ts';
import { DnsServer } from '../src/network/dns/server.ts';
import { IndexedSource } from '../src/network/dns/source.ts';
import { startBench, timedInFlight } from './harness.ts';

const services = 5_000;
const count = 40_000;
const inFlight = 64;

const source = new IndexedSource();
source.setNamespace({ metadata: { name: 'default' } });
for (let i = 0; i < services; i++)
  source.setService({
    metadata: { name: `web-${i}`, namespace: 'default' },
    spec: { clusterIPs: [`10.96.${i >> 8}.${i & 255}`], ports: [{ name: 'http', port: 80 }] },
  });
const server = new DnsServer(
  source,
  {
    domain: 'cluster.local',
    ttlSeconds: 30,
    ownsAddress: () => true,
    address: '127.0.0.1',
    port: 0,
    upstreams: [],
    upstreamTimeoutMs: 1000,
  },
  { clock: realClock },
);
await server.start();
const bench = startBench('dns');
const query = (i: number) =>
  encode({
    type: 'query',
    id: i & 0xffff,
    flags: 1 << 8,
    questions: [{ name: `web-${i % services}.default.svc.cluster.local`, type: i % 2 ? 'A' : 'AAAA' }],
  });
const queries = Array.from({ length: 1000 }, (_, i) => query(i * 7));
await bench.measure('answers without a socket', 'answers/s', async () => {
  const seconds = await timedInFlight(count, 1, (i) => server.respond(queries[i % queries.length]!, false));
  return count / seconds;
});

/** Asks, so many at a time; a question that is not answered in a second ends the run. */
const client = `
const { parentPort, workerData } = require('node:worker_threads');
const { port, queries, count, inFlight } = workerData;
const socket = require('node:dgram').createSocket('udp4');
parentPort.on('message', () => {
  const startMs = performance.now();
  const sent = new Map(), took = [];
  let next = 0, done = 0;
  const ask = () => {
    if (next >= count) return;
    const message = Buffer.from(queries[next % queries.length]);
    message.writeUInt16BE(next & 0xffff, 0);
    sent.set(next & 0xffff, performance.now());
    next++;
    socket.send(message, port, '127.0.0.1');
  };
  socket.removeAllListeners('message');
  socket.on('message', (reply) => {
    took.push(performance.now() - sent.get(reply.readUInt16BE(0)));
    if (++done === count) {
      took.sort((a, b) => a - b);
      parentPort.postMessage({ seconds: (performance.now() - startMs) / 1000, p99: took[Math.floor(count * 0.99)] });
    } else ask();
  });
  for (let i = 0; i < inFlight; i++) ask();
});
`;
const worker = new Worker(client, { eval: true, workerData: { port: server.port, queries, count, inFlight } });
await bench.measure(`answers over UDP, ${inFlight} in flight`, 'answers/s', async () => {
  const cpu = process.cpuUsage();
  worker.postMessage('go');
  const { seconds, p99 } = await new Promise<{ seconds: number; p99: number }>((resolve) =>
    worker.once('message', resolve),
  );
  const { user, system } = process.cpuUsage(cpu);
  bench.note(`p99 ${p99.toFixed(2)} ms; ${((user + system) / count).toFixed(1)} us of CPU an answer, asking included`);
  return count / seconds;
});
await worker.terminate();
await server.stop();
