// Services in nftables, in a network namespace of its own (as root): how long a change of one Service takes to be in the
// kernel with many others there, and what a connection's first packet pays for them.
// `npm run bench -- services [--runs N] [SERVICES ENDPOINTS]` (default: 5,000 Services with 10 endpoints each)
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { nft } from '../src/network/command.ts';
import type { ProxyOptions } from '../src/network/proxy/plan.ts';
import type { ServicePort } from '../src/network/proxy/service-port.ts';
import { ServiceTable } from '../src/network/proxy/service-table.ts';
import { startBench } from './harness.ts';

const inside = process.env['SKIFF_BENCH_INSIDE'] !== undefined;
if (!inside) {
  // Everything below happens in a namespace that ends with the process.
  const result = spawnSync('unshare', ['--net', process.execPath, '--expose-gc', ...benchArguments()], {
    stdio: 'inherit',
    env: { ...process.env, SKIFF_BENCH_INSIDE: '1' },
  });
  process.exit(result.status ?? 1);
}

function benchArguments(): string[] {
  return ['bench/run.mjs', 'services', ...process.argv.slice(2)];
}

const bench = startBench('services');
const [services = 5_000, endpointsEach = 10] = bench.args.map(Number);
const changes = 100;
const options: ProxyOptions = {
  tableName: 'skiff-bench',
  family: 'ip',
  podCidr: '10.244.0.0/14',
  serviceCidr: '10.96.0.0/12',
};
const clusterIp = (i: number) => `10.96.${i >> 8}.${i & 255}`;

function service(i: number, endpoints: number): ServicePort[] {
  const internal = Array.from({ length: endpoints }, (_, n) => {
    const at = i * 16 + n;
    return { ip: `10.${244 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`, port: 8080, local: false };
  });
  const shared = { externalIps: [], guardedIps: [], sourceRanges: [], affinitySeconds: 0, externalLocal: false };
  const key = `default/web-${i}/tcp/http`;
  return [
    {
      key,
      protocol: 'tcp',
      clusterIps: [clusterIp(i)],
      port: 80,
      nodePort: 0,
      internal,
      external: internal,
      ...shared,
    },
  ];
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const table = new ServiceTable(options);
const fill = (count: number, endpoints: number) =>
  table.change(new Map(Array.from({ length: count }, (_, i) => [`default/web-${i}`, service(i, endpoints)])));

const startMs = performance.now();
const plannedMs = await (async () => {
  fill(services, endpointsEach);
  const scripts = table.loadScripts();
  const planned = performance.now() - startMs;
  for (const script of scripts) await nft(script);
  return planned;
})();
bench.note(
  `first load of ${services} Services with ${services * endpointsEach} endpoints: planned in ${Math.round(plannedMs)} ms, ` +
    `in the kernel after ${Math.round(performance.now() - startMs)} ms`,
);
globalThis.gc?.();
const { rss, heapUsed } = process.memoryUsage();
bench.note(`memory: ${Math.round(rss / 2 ** 20)} MB resident, ${Math.round(heapUsed / 2 ** 20)} MB of heap in use`);

const took: number[] = [];
await bench.measure('a change of one Service, median', 'ms', async (run) => {
  const mine: number[] = [];
  for (let i = 0; i < changes; i++) {
    const which = (run * changes + i * 37) % services;
    const before = performance.now();
    const change = table.change(new Map([[`default/web-${which}`, service(which, endpointsEach - 1 + (i % 3))]]));
    if (change !== '') await nft(change);
    mine.push(performance.now() - before);
  }
  took.push(...mine);
  return mine.sort((a, b) => a - b)[mine.length >> 1]!;
});
took.sort((a, b) => a - b);
bench.note(`p99 ${took[Math.floor(took.length * 0.99)]!.toFixed(1)} ms of ${took.length}`);

// First packets: a connection to a ClusterIP that leads to a server of this namespace.
const server = spawn(process.execPath, [
  '-e',
  `require('node:net').createServer((s) => s.end()).listen(8080, '0.0.0.0', 4096, () => console.log('ready'))`,
]);
await once(server.stdout, 'data');
for (const command of [
  'link add d0 type bridge',
  'addr add 10.247.255.1/32 dev d0',
  'link set d0 up',
  'route add 10.96.0.0/12 dev d0',
])
  execFileSync('ip', command.split(' '));
for (const count of [10, services, 2 * services]) {
  const all = new ServiceTable(options);
  all.change(new Map(Array.from({ length: count }, (_, i) => [`default/web-${i}`, service(i, 1)])));
  const own = service(count - 1, 1)[0]!;
  const here = [{ ip: '10.247.255.1', port: 8080, local: true }];
  all.change(new Map([[`default/web-${count - 1}`, [{ ...own, internal: here, external: here }]]]));
  for (const script of all.loadScripts()) await nft(script);
  await bench.measure(`a connection through a ClusterIP, ${count} Services`, 'us', async () => {
    const times: number[] = [];
    for (let i = 0; i < 300; i++) {
      const before = performance.now();
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: clusterIp(count - 1), port: 80, timeout: 2000 });
        socket.on('connect', () => {
          times.push(performance.now() - before);
          socket.destroy();
          resolve();
        });
        socket.on('error', reject);
        socket.on('timeout', () => reject(new Error('no answer in 2 s')));
      });
    }
    return times.sort((a, b) => a - b)[times.length >> 1]! * 1000;
  });
}
server.kill();
