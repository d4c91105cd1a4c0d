// Durable ConfigMap creates over HTTP/2 from a client process, 64 in flight, through authentication, RBAC, admission,
// validation and the flush. `npm run bench -- apiserver-create [memory] [--runs N]`; goal: 4,000/s.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Listener } from '../src/apiserver/http/listener.ts';
import { createApiServer } from '../src/apiserver/server.ts';
import { realClock } from '../src/base/node/real-clock.ts';
import { secureRandom } from '../src/base/node/secure-random.ts';
import { createDirectTransport } from '../src/client/direct/direct.ts';
import { memoryClusterPki } from '../src/pki/pki-files.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { createMemoryStore } from '../src/store/memory/memory-store.ts';
import { startBench, timedInFlight } from './harness.ts';

const inFlight = 64;
const count = 8000;
const valueBytes = 1024;

interface Connection {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The client process: told where the server is, then once a run which numbers to create. */
function runClient(): void {
  let session: ReturnType<typeof connect>;
  const value = 'x'.repeat(valueBytes);
  const create = (i: number) =>
    new Promise<void>((resolve, reject) => {
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `cm-${i}` },
        data: { value },
      });
      const stream = session.request({
        ':method': 'POST',
        ':path': '/api/v1/namespaces/default/configmaps',
        'content-type': 'application/json',
      });
      let status = 0;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('error', reject);
      stream.on('end', () => (status === 201 ? resolve() : reject(new Error(`create ${i}: status ${status}`))));
      stream.resume();
      stream.end(body);
    });
  process.on('message', async (message: Connection | { readonly from: number }) => {
    if ('port' in message) {
      session = connect(`https://127.0.0.1:${message.port}`, { ca: message.ca, cert: message.cert, key: message.key });
      session.on('connect', () => process.send!('ready'));
      return;
    }
    const seconds = await timedInFlight(count, inFlight, (i) => create(message.from + i));
    process.send!(seconds);
  });
}

async function runServer(): Promise<void> {
  const bench = startBench('apiserver-create');
  const directory = mkdtempSync(join(tmpdir(), 'skiff-bench-apiserver-'));
  const memory = bench.args.includes('memory');
  const store = memory
    ? createMemoryStore({ clock: realClock })
    : await openLmdbStore({ dir: join(directory, 'store'), clock: realClock });
  const pki = memoryClusterPki({ nowMs: Date.now() });
  const server = createApiServer({}, { store, clock: realClock, random: secureRandom });
  const listener = new Listener(
    { bindAddresses: ['127.0.0.1'], port: 0, ...pki.apiserver, clientCaPem: pki.ca.certPem },
    server.handler,
  );
  await listener.start();
  await server.start({ securePort: listener.port });
  await bindToEdit(server.handler);

  const client = fork(import.meta.filename, ['client'], { execArgv: [] });
  const reply = () => new Promise((resolve) => client.once('message', resolve));
  const { certPem: cert, keyPem: key } = pki.client({ commonName: 'bench', organizations: ['benchers'] });
  client.send({ port: listener.port, ca: pki.ca.certPem, cert, key } satisfies Connection);
  await reply();
  let from = 0;
  let cpu = 0;
  await bench.measure(`creates, ${inFlight} in flight (${memory ? 'memory' : 'lmdb'})`, 'creates/s', async () => {
    const before = process.cpuUsage();
    client.send({ from });
    from += count;
    const seconds = (await reply()) as number;
    const { user, system } = process.cpuUsage(before);
    cpu = (user + system) / count;
    return count / seconds;
  });
  bench.note(`${cpu.toFixed(0)} us of CPU a create in the server, all threads`);
  client.kill();
  await server.stop();
  await listener.stop(100);
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}

/** The client is an ordinary user with the role `edit` in its namespace. */
async function bindToEdit(handler: Parameters<typeof createDirectTransport>[0]['handler']): Promise<void> {
  const transport = createDirectTransport({
    handler,
    clock: realClock,
    user: { username: 'a', groups: ['system:masters'] },
  });
  const response = await transport.request({
    method: 'POST',
    url: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
    body: Buffer.from(
      JSON.stringify({
        metadata: { name: 'bench' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bench' }],
      }),
    ),
  });
  if (response.status !== 201) throw new Error(`binding the bench's user: status ${response.status}`);
}

if (process.argv[2] === 'client') runClient();
else await runServer();
