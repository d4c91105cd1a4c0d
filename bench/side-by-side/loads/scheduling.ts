/** Ten thousand pods onto hollow nodes, by the whole control plane: from the first create to the last binding. */
import type { Requests } from '../generator.ts';
import type { Turn } from '../measurement.ts';
import { deployment, differs } from '../objects.ts';
import type { Load, Run } from '../run.ts';
import type { Side, SideName } from '../side.ts';
import { startWithNodes } from './hollow-nodes.ts';

const headers = { 'content-type': 'application/json', accept: 'application/json' };
/** As in scheduler_perf: what cannot be done fails rather than waits for ever. */
const timeoutSeconds = 120;

interface Case {
  readonly id: string;
  readonly title: string;
  readonly isTime?: boolean;
  run(bench: Run, side: Side): Promise<Turn>;
}

/** Pods of one `group` label have so many members; `which` of the generator counts the groups. */
const groupMark = '#########';
const sameGroup = { matchLabels: { group: groupMark } };

function casesOn(nodes: number, quick: boolean): readonly Case[] {
  const pods = quick ? 1_000 : 10_000;
  const replicas = quick ? 500 : 5_000;
  const on = `on ${nodes.toLocaleString('en-US')} nodes`;
  const plain = (id: string, title: string, spec: object, groups = 1): Case => ({
    id: `schedule-${nodes}-${id}`,
    title: `${pods.toLocaleString('en-US')} pods ${on}: ${title}`,
    run: (bench, side) => schedule(bench, side, { namespace: id, pods, spec, groups }),
  });
  const affinity = (kind: string, required: unknown) => ({
    affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: required } },
  });
  const zone = 'topology.kubernetes.io/zone';
  return [
    plain('basic', 'basic', {}),
    plain('spread', 'topology spread over zones', {
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: sameGroup },
      ],
    }),
    plain(
      'node-affinity',
      'node affinity',
      affinity('nodeAffinity', {
        nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone-0', 'zone-1'] }] }],
      }),
    ),
    plain(
      'anti-affinity',
      'pod anti-affinity by host name',
      affinity('podAntiAffinity', [{ topologyKey: 'kubernetes.io/hostname', labelSelector: sameGroup }]),
      // Half as many pods in a group as there are nodes: each finds a place.
      Math.ceil(pods / (nodes / 2)),
    ),
    {
      id: `schedule-${nodes}-preemption`,
      title: `${nodes.toLocaleString('en-US')} pods ${on}: preemption, one victim each`,
      run: (bench, side) => preempt(bench, side, nodes),
    },
    {
      id: `schedule-${nodes}-deployment`,
      title: `Deployment of ${replicas.toLocaleString('en-US')} replicas ${on}, apply to all bound`,
      isTime: true,
      run: (bench, side) => rollOut(bench, side, replicas),
    },
  ];
}

export const scheduling: Load = {
  name: 'scheduling',
  about: '10,000 pods on 1,000 and on 5,000 hollow nodes; a Deployment of 5,000 replicas',
  ids: [1_000, 5_000].flatMap((nodes) => casesOn(nodes, false).map(({ id }) => id)),
  async run(bench: Run) {
    for (const nodes of bench.quick ? [200] : [1_000, 5_000]) {
      const wanted = casesOn(nodes, bench.quick).filter(({ id }) => bench.wants('scheduling', id));
      if (wanted.length > 0) await measure(bench, nodes, wanted);
    }
  },
};

/** All cases one after the other in one cluster, a new cluster for each turn. */
async function measure(bench: Run, nodes: number, cases: readonly Case[]): Promise<void> {
  const turns = new Map(cases.map((each) => [each, { skiff: [] as Turn[], upstream: [] as Turn[] }]));
  const notYet = new Map(cases.map((each) => [each, {} as Partial<Record<SideName, string>>]));
  for (let round = 0; round < Math.min(bench.rounds, nodes > 1_000 ? 2 : 3); round++)
    for (const side of bench.sides)
      try {
        await startWithNodes(side, nodes);
        for (const each of cases)
          if (notYet.get(each)![side.name] === undefined)
            try {
              const turn = await each.run(bench, side);
              console.error(`  ${side.name}, round ${round + 1}: ${each.title}: ${turn.value.toPrecision(4)}`);
              turns.get(each)![side.name].push(turn);
            } catch (error) {
              notYet.get(each)![side.name] = (error as Error).message;
            }
      } finally {
        await side.stop();
      }
  const group = 'Scheduling by the whole control plane';
  for (const each of cases) {
    const { id, title } = each;
    const spec = each.isTime
      ? ({ id, group, title, unit: 's', better: 'less' } as const)
      : ({ id, group, title, unit: 'pods/s', better: 'more' } as const);
    bench.record(spec, turns.get(each)!, notYet.get(each)!);
  }
}

interface Batch {
  readonly namespace: string;
  readonly pods: number;
  /** Of a pod, over the plain one. */
  readonly spec: object;
  readonly groups: number;
}

async function schedule(bench: Run, side: Side, batch: Batch): Promise<Turn> {
  const { namespace, pods } = batch;
  await side.makeNamespace(namespace);
  return untilBound(bench, side, namespace, pods, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    headers,
    body: JSON.stringify(podOf(batch.spec)),
    wrap: batch.groups,
    expect: [201],
    count: pods,
    inFlight: 64,
    connections: 4,
  });
}

/** Each node is given one pod that leaves no room for another of its size; then come as many that matter more. */
async function preempt(bench: Run, side: Side, nodes: number): Promise<Turn> {
  const half = (priorityClassName: string) => ({ priorityClassName, containers: [container('20')] });
  await schedule(bench, side, { namespace: 'preempted', pods: nodes, spec: half('low'), groups: 1 });
  return schedule(bench, side, { namespace: 'preempting', pods: nodes, spec: half('high'), groups: 1 });
}

async function rollOut(bench: Run, side: Side, replicas: number): Promise<Turn> {
  const namespace = 'deployment';
  await side.makeNamespace(namespace);
  const turn = await untilBound(bench, side, namespace, replicas, {
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments/web?fieldManager=load`,
    headers: { ...headers, 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(deployment('web', replicas, 'none')),
    count: 1,
    inFlight: 1,
    connections: 1,
  });
  return { ...turn, value: replicas / turn.value };
}

async function untilBound(bench: Run, side: Side, namespace: string, pods: number, make: Requests): Promise<Turn> {
  const done = await side.load.bound({ namespace, pods, timeoutSeconds, make });
  if (done.bound < pods) throw new Error(`${done.bound} of ${pods} pods were bound after ${timeoutSeconds} s`);
  return bench.rate(done, pods);
}

const container = (cpu: string) => ({
  name: 'app',
  image: 'registry.example.com/pause:1',
  resources: { requests: { cpu, memory: '500Mi' } },
});

const podOf = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${differs}`, labels: { app: 'perf', group: groupMark } },
  // Nobody is there to end them: without grace, a deletion is the API server's alone.
  spec: { containers: [container('100m')], terminationGracePeriodSeconds: 0, ...spec },
});
