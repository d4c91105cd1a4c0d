// The store alone: durable puts, reads, scans, watches. `npm run bench -- store [memory] [--etcd BINARY] [--runs N]`
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { realClock } from '../src/base/node/real-clock.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { createMemoryStore } from '../src/store/memory/memory-store.ts';
import { prefixRange, type Store } from '../src/store/store.ts';
import { startBench, timedInFlight } from './harness.ts';

const valueBytes = 1024;
const keys = 10_000;
const bench = startBench('store');
const value = new Uint8Array(valueBytes).map((_, i) => 32 + (i % 90));
const keyOf = (i: number) => `/registry/configmaps/default/cm-${String(i).padStart(8, '0')}`;

async function benchStore(name: string, store: Store): Promise<void> {
  const counts = [
    [1, 500],
    [16, 4000],
    [64, 8000],
    [256, 16_000],
  ] as const;
  let made = 0;
  for (const [inFlight, count] of counts) {
    let cpu = 0;
    await bench.measure(`${name}: creates, ${inFlight} in flight`, 'txns/s', async () => {
      const first = made;
      made += count;
      const before = process.cpuUsage();
      const seconds = await timedInFlight(count, inFlight, (i) =>
        store.txn({
          compare: [{ key: keyOf(first + i), modRevision: 0 }],
          success: [{ op: 'put', key: keyOf(first + i), value }],
        }),
      );
      const { user, system } = process.cpuUsage(before);
      cpu = (user + system) / count;
      return count / seconds;
    });
    bench.note(`${cpu.toFixed(1)} us of CPU a txn, all threads of the process`);
  }
  await bench.measure(`${name}: updates, 64 in flight`, 'txns/s', async () => {
    const count = 4000;
    const seconds = await timedInFlight(count, 64, async (i) => {
      const { kv } = await store.get(keyOf(i));
      await store.txn({
        compare: [{ key: keyOf(i), modRevision: kv!.modRevision }],
        success: [{ op: 'put', key: keyOf(i), value }],
      });
    });
    return count / seconds;
  });
  await bench.measure(`${name}: relaxed updates (Leases), 1 in flight`, 'txns/s', async () => {
    const count = 3000;
    const seconds = await timedInFlight(count, 1, () =>
      store.txn({ compare: [], success: [{ op: 'put', key: '/registry/lease', value, durability: 'relaxed' }] }),
    );
    return count / seconds;
  });
  await bench.measure(`${name}: gets`, 'gets/s', async () => {
    const count = 50_000;
    return count / (await timedInFlight(count, 1, (i) => store.get(keyOf((i * 7919) % made))));
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await bench.measure(`${name}: range of ${keys}`, 'keys/s', async () => {
    const start = performance.now();
    const { kvs } = await store.range({ ...prefixRange('/registry/configmaps/'), limit: keys });
    return (kvs.length / (performance.now() - start)) * 1000;
  });
  await bench.measure(`${name}: replay to a watcher`, 'events/s', async () => {
    const start = performance.now();
    const from = store.revision - keys;
    await new Promise<void>((resolve, reject) => {
      const watch = store.watch(
        { ...prefixRange('/registry/'), fromRevision: from + 1 },
        {
          onEvents: (_, upTo) => upTo >= store.revision && resolve(watch.cancel()),
          onProgress: () => {},
          onEnd: reject,
        },
      );
    });
    return (keys / (performance.now() - start)) * 1000;
  });
  delay.disable();
  bench.note(`longest event loop delay while ranging and replaying: ${(delay.max / 1e6).toFixed(1)} ms`);
  delay.reset();
  delay.enable();
  const start = performance.now();
  await store.compact(store.revision);
  delay.disable();
  bench.note(
    `compaction of all: ${(performance.now() - start).toFixed(0)} ms, longest delay ${(delay.max / 1e6).toFixed(1)} ms`,
  );
  await store.close();
}

/** Puts of the same keys and values against etcd, over gRPC. */
async function benchEtcd(binary: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-bench-etcd-'));
  const port = 23_790;
  const url = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${port + 1}`;
  const etcd = spawn(
    binary,
    ['--data-dir', dir, '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer].concat(
      ['--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--log-level', 'error'],
    ),
    { stdio: 'ignore', env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch } },
  );
  try {
    const { credentials, makeGenericClientConstructor } = await import('@grpc/grpc-js');
    const encode = ({ key, value: v }: { key: string; value: Uint8Array }) => {
      const k = Buffer.from(key);
      const head = Buffer.from([0x0a, k.length]);
      const length = Buffer.from([0x12, (v.length & 0x7f) | 0x80, v.length >> 7]);
      return Buffer.concat([head, k, length, v]);
    };
    const Client = makeGenericClientConstructor(
      {
        put: {
          path: '/etcdserverpb.KV/Put',
          requestStream: false,
          responseStream: false,
          requestSerialize: encode,
          requestDeserialize: (b: Buffer) => b,
          responseSerialize: (b: Buffer) => b,
          responseDeserialize: (b: Buffer) => b,
        },
      },
      'KV',
    );
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const put = (key: string) =>
      new Promise<void>((resolve, reject) => {
        (client as unknown as Record<string, (...args: unknown[]) => void>)['put']!({ key, value }, (error: unknown) =>
          error ? reject(error) : resolve(),
        );
      });
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
    });
    await put(keyOf(0));
    for (const inFlight of [1, 16, 64, 256]) {
      const count = inFlight === 1 ? 300 : 3000;
      await bench.measure(`etcd: puts, ${inFlight} in flight`, 'txns/s', async () => {
        return count / (await timedInFlight(count, inFlight, (i) => put(keyOf(i))));
      });
    }
    client.close();
  } finally {
    etcd.kill('SIGKILL');
    await new Promise((resolve) => etcd.once('exit', resolve));
    rmSync(dir, { recursive: true, force: true });
  }
}

const clock = realClock;

async function benchOpening(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'skiff-bench-open-'));
  let run = 0;
  const timed = async (at: string) => {
    const start = performance.now();
    const store = await openLmdbStore({ dir: at, clock });
    const took = performance.now() - start;
    await store.close();
    return took;
  };
  await bench.measure('lmdb: opening a new store', 'ms', () => timed(join(root, String(run++))));
  await bench.measure('lmdb: opening it again', 'ms', () => timed(join(root, '0')));
  rmSync(root, { recursive: true, force: true });
}

const dir = mkdtempSync(join(tmpdir(), 'skiff-bench-'));
try {
  await benchOpening();
  await benchStore('lmdb', await openLmdbStore({ dir, clock }));
  if (bench.args.includes('memory')) await benchStore('memory', createMemoryStore({ clock }));
  const etcd = bench.args.indexOf('--etcd');
  if (etcd >= 0) await benchEtcd(bench.args[etcd + 1]!);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
