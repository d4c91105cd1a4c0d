// What running pods cost an API server in memory, right after they were made: creates and status patches through the
// whole chain over LMDB, then what is still held, the recent events included that watches may still ask for.
// `npm run bench -- memory [PODS]`; goal: 70 MB for 10,000 pods of 5 KB.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createApiServer } from '../src/apiserver/server.ts';
import { realClock } from '../src/base/node/real-clock.ts';
import { secureRandom } from '../src/base/node/secure-random.ts';
import { createDirectTransport } from '../src/client/direct/direct.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { startBench, timedInFlight } from './harness.ts';
import { pod, runningStatus, which } from './side-by-side/objects.ts';

const megabyte = 1e6;
const settleMs = 2_000;
const inFlight = 64;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const bench = startBench('memory');
const pods = Number(bench.args[0] ?? 10_000);
const directory = mkdtempSync(join(tmpdir(), 'skiff-bench-memory-'));
const store = await openLmdbStore({ dir: join(directory, 'store'), clock: realClock });
const server = createApiServer({}, { store, clock: realClock, random: secureRandom });
await server.start({ securePort: 6443 });
const transport = createDirectTransport({
  handler: server.handler,
  clock: realClock,
  user: { username: 'bench', groups: ['system:masters'] },
});

async function send(method: string, url: string, type: string, body: string, expected: number): Promise<Uint8Array> {
  const response = await transport.request({ method, url, headers: { 'content-type': type }, body: Buffer.from(body) });
  if (response.status !== expected)
    throw new Error(`${method} ${url}: status ${response.status}, expected ${expected}`);
  return response.body();
}

/** Bytes held, once what is garbage has been collected. */
async function held() {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, settleMs / 3));
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const anonymous = Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  return { heapUsed, arrayBuffers, anonymous };
}

const template = pod('NAME', 'none');
const create = JSON.stringify({ ...template, spec: { ...template.spec, nodeName: 'node-7' } });
const status = JSON.stringify(runningStatus);
const path = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

/** A process that has seen traffic has made its caches, its tables and its compiled code already. */
async function run(namespace: string, count: number): Promise<number> {
  let size = 0;
  const body = JSON.stringify({ metadata: { name: namespace } });
  await send('POST', '/api/v1/namespaces', 'application/json', body, 201);
  // No controller is there to make it.
  const account = JSON.stringify({ metadata: { name: 'default' } });
  await send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, 'application/json', account, 201);
  const base = path(namespace);
  await timedInFlight(count, inFlight, async (i) => {
    const named = (text: string) => text.replaceAll('NAME', `pod-${i}`).replaceAll(which, String(i));
    await send('POST', base, 'application/json', named(create), 201);
    const url = `${base}/pod-${i}/status`;
    size = (await send('PATCH', url, 'application/strategic-merge-patch+json', named(status), 200)).length;
  });
  return size;
}

await run('warm', 500);
const before = await held();
const size = await run('held', pods);
const after = await held();
const per10000 = (what: keyof typeof before) => ((after[what] - before[what]) / megabyte) * (10_000 / pods);
const figures = [
  ['heap', per10000('heapUsed')],
  ['array buffers', per10000('arrayBuffers')],
  ['heap and array buffers', per10000('heapUsed') + per10000('arrayBuffers')],
  ['anonymous resident memory', per10000('anonymous')],
] as const;
for (const [what, figure] of figures)
  console.log(`${`10,000 running pods: ${what}`.padEnd(44)} ${figure.toFixed(1)} MB`);
bench.note(
  `a pod is ${size.toLocaleString('en-US')} bytes of JSON as answered; ${pods.toLocaleString('en-US')} were made`,
);
await server.stop();
await store.close();
rmSync(directory, { recursive: true, force: true });
