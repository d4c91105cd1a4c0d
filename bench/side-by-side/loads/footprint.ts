/** What it takes to start, to be idle, and to hold many pods. */
import { readFileSync } from 'node:fs';
import type { Spec, Turn } from '../measurement.ts';
import { pod, runningStatus, which } from '../objects.ts';
import { type Load, type Run, wait } from '../run.ts';
import type { Side } from '../side.ts';

const group = 'Footprint';
const megabyte = 1e6;

export const start: Load = {
  name: 'start',
  about: 'from the first process to an API server that is ready, with no state',
  ids: ['start'],
  async run(bench: Run) {
    if (!bench.wants('start', 'start')) return;
    const title = 'API server and store, start to ready';
    await bench.inTurns({ id: 'start', group, title, unit: 's', better: 'less' }, async (side) => {
      try {
        const tookMs = await side.start();
        return { value: tookMs / 1000, cpuMicros: cpuSecondsOf(side, () => true) * 1e6 };
      } finally {
        await side.stop();
      }
    });
  },
};

type Chosen = (component: string) => boolean;
const everything: Chosen = () => true;
const servers: Chosen = (component) => component === 'kube-apiserver' || component === 'etcd';
const apiServer: Chosen = (component) => component === 'kube-apiserver';

export const idle: Load = {
  name: 'idle',
  about: 'memory and processor of an idle control plane: API server, store, controllers, scheduler',
  ids: ['idle'],
  async run(bench: Run) {
    if (!bench.wants('idle', 'idle')) return;
    const lookMs = bench.quick ? 2_000 : 15_000;
    const parts = [
      ['API server and store', servers],
      ['with controllers and scheduler', everything],
    ] as const;
    const specs = parts.flatMap(([what]) => [
      spec(`idle-memory ${what}`, `idle, ${what}: resident memory`, 'MB'),
      spec(`idle-processor ${what}`, `idle, ${what}: processor`, '% of a core'),
    ]);
    await inTurnsTogether(bench, specs, async (side) => {
      await side.start();
      side.startControllers();
      await wait(lookMs);
      const before = parts.map(([, chosen]) => cpuSecondsOf(side, chosen));
      await wait(lookMs);
      return parts.flatMap(([, chosen], i) => [
        memoryOf(side, chosen).resident / megabyte,
        ((cpuSecondsOf(side, chosen) - before[i]!) / (lookMs / 1000)) * 100,
      ]);
    });
  },
};

export const memory: Load = {
  name: 'memory',
  about: 'what 10,000 running pods add to the memory of API server and store',
  ids: ['memory'],
  async run(bench: Run) {
    if (!bench.wants('memory', 'memory')) return;
    const pods = bench.quick ? 2_000 : 10_000;
    const of = (what: string) => spec(`memory ${what}`, `10,000 running pods more: ${what}`, 'MB');
    const specs = [
      of('API server, anonymous memory'),
      of('API server, resident memory'),
      of('API server and store, resident memory'),
    ];
    await inTurnsTogether(bench, specs, async (side) => {
      await side.start();
      await side.makeNamespace('held');
      await wait(5_000);
      const figures = () => [
        memoryOf(side, apiServer).anonymous,
        memoryOf(side, apiServer).resident,
        memoryOf(side, everything).resident,
      ];
      const before = figures();
      await makeRunning(side, pods);
      // What is garbage by then is a garbage collector's way to work, and paid for by who runs it.
      await wait(bench.quick ? 3_000 : 30_000);
      return figures().map((bytes, i) => ((bytes - before[i]!) / megabyte) * (10_000 / pods));
    });
  },
};

const spec = (what: string, title: string, unit: string): Spec => ({
  id: what.replaceAll(/\W+/g, '-').toLowerCase(),
  group,
  title,
  unit,
  better: 'less',
});

/** Several figures of one turn. */
async function inTurnsTogether(bench: Run, specs: readonly Spec[], turn: (side: Side) => Promise<number[]>) {
  const turns = specs.map(() => ({ skiff: [] as Turn[], upstream: [] as Turn[] }));
  for (let round = 0; round < Math.min(bench.rounds, 3); round++)
    for (const side of bench.sides)
      try {
        for (const [i, value] of (await turn(side)).entries()) turns[i]![side.name].push({ value });
      } finally {
        await side.stop();
      }
  for (const [i, each] of specs.entries()) bench.record(each, turns[i]!);
}

/** Created bound, then reported running, as by a kubelet. */
async function makeRunning(side: Side, pods: number): Promise<void> {
  const object = pod(`pod-${which}`, 'none');
  const path = '/api/v1/namespaces/held/pods';
  const shared = { connections: 4, inFlight: 16, count: pods };
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  await side.load.requests({
    ...shared,
    method: 'POST',
    path,
    headers,
    body: JSON.stringify({ ...object, spec: { ...object.spec, nodeName: 'node-7' } }),
    expect: [201],
  });
  await side.load.requests({
    ...shared,
    method: 'PATCH',
    path: `${path}/pod-${which}/status`,
    headers: { ...headers, 'content-type': 'application/strategic-merge-patch+json', 'user-agent': 'kubelet/v1.36.3' },
    body: JSON.stringify(runningStatus),
  });
}

const pidsOf = (side: Side, chosen: Chosen): number[] =>
  Object.entries(side.pids).flatMap(([component, pids]) => (chosen(component) ? [...pids] : []));

/** utime and stime of /proc/PID/stat, in USER_HZ: 100 a second on every Linux. */
function cpuSecondsOf(side: Side, chosen: Chosen): number {
  let ticks = 0;
  for (const pid of pidsOf(side, chosen)) {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

/** Bytes. `anonymous`: without the pages of mapped files, which the system takes back at will. */
function memoryOf(side: Side, chosen: Chosen): { readonly resident: number; readonly anonymous: number } {
  const sum = { resident: 0, anonymous: 0 };
  for (const pid of pidsOf(side, chosen)) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
    sum.resident += field('VmRSS');
    sum.anonymous += field('RssAnon');
  }
  return sum;
}
