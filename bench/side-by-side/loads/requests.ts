/** Single objects: created, read, updated and patched, with so many requests in flight. */
import type { Requests, Template } from '../generator.ts';
import type { Spec } from '../measurement.ts';
import { configMap, deployment, differs, pod, which } from '../objects.ts';
import type { Load, Run } from '../run.ts';
import type { Side } from '../side.ts';

const json = { 'content-type': 'application/json', accept: 'application/json' };
const protobuf = {
  'content-type': 'application/vnd.kubernetes.protobuf',
  accept: 'application/vnd.kubernetes.protobuf',
};
/** Objects that are read, updated and patched. */
const objects = 1000;

interface Case {
  readonly id: string;
  readonly title: string;
  readonly template: Template;
  readonly inFlight: readonly number[];
  readonly goal?: Readonly<Record<number, number>>;
}

const namespace = 'load';
const core = `/api/v1/namespaces/${namespace}`;
const apps = `/apis/apps/v1/namespaces/${namespace}`;

function create(resource: string, object: object): Template {
  return { method: 'POST', path: `${core}/${resource}`, headers: json, body: JSON.stringify(object), expect: [201] };
}

function patch(type: string, path: string, body: object): Template {
  const headers = { ...json, 'content-type': `application/${type}` };
  return { method: 'PATCH', path, headers, wrap: objects, body: JSON.stringify(body) };
}

const onePod = `${core}/pods/pod-${which}`;
const apply = patch(
  'apply-patch+yaml',
  `${apps}/deployments/web-${which}?fieldManager=load&force=true`,
  deployment(`web-${which}`, 3, differs),
);

const cases: readonly Case[] = [
  {
    id: 'configmap-create',
    title: 'create ConfigMap (1 KB)',
    inFlight: [1, 16, 64],
    template: create('configmaps', configMap(`new-${differs}`)),
  },
  {
    id: 'pod-create',
    title: 'create Pod',
    inFlight: [1, 16, 64],
    goal: { 64: 2 },
    template: create('pods', pod(`new-${differs}`, 'none')),
  },
  {
    id: 'pod-create-protobuf',
    title: 'create Pod, protobuf',
    inFlight: [64],
    goal: { 64: 2 },
    template: { ...create('pods', pod(`new-${differs}`, 'none')), headers: protobuf, protobuf: true },
  },
  {
    id: 'pod-get',
    title: 'get Pod',
    inFlight: [1, 64],
    goal: { 64: 2 },
    template: { method: 'GET', path: onePod, headers: json, wrap: objects },
  },
  {
    id: 'pod-get-protobuf',
    title: 'get Pod, protobuf',
    inFlight: [64],
    goal: { 64: 2 },
    template: { method: 'GET', path: onePod, headers: protobuf, wrap: objects },
  },
  {
    id: 'pod-update',
    title: 'update Pod (PUT)',
    inFlight: [1, 64],
    template: {
      method: 'PUT',
      path: onePod,
      headers: json,
      wrap: objects,
      body: JSON.stringify(pod(`pod-${which}`, differs)),
    },
  },
  {
    id: 'pod-json-patch',
    title: 'JSON patch of a Pod',
    inFlight: [64],
    template: patch('json-patch+json', onePod, [{ op: 'replace', path: '/metadata/labels/change', value: differs }]),
  },
  {
    id: 'pod-strategic-patch',
    title: 'strategic merge patch of a Pod',
    inFlight: [64],
    template: patch('strategic-merge-patch+json', onePod, { metadata: { labels: { change: differs } } }),
  },
  { id: 'deployment-apply', title: 'server-side apply of a Deployment', inFlight: [1, 64], template: apply },
];

/** As clients come: several programs, each with a connection of its own. */
const connectionsFor = (inFlight: number): number => Math.min(inFlight, 4);

export const requests: Load = {
  name: 'requests',
  about: 'creates, gets, updates and patches of single objects, 1, 16 and 64 in flight',
  ids: cases.flatMap((each) => each.inFlight.map((inFlight) => specOf(each, inFlight).id)),
  async run(bench: Run) {
    const wanted = cases
      .flatMap((each) => each.inFlight.map((inFlight) => ({ each, inFlight, spec: specOf(each, inFlight) })))
      .filter(({ spec }) => bench.wants('requests', spec.id));
    if (wanted.length === 0) return;
    const seconds = bench.quick ? 0.5 : 3;
    await bench.withBoth(async () => {
      for (const side of bench.sides) await prepare(side);
      for (const { each, inFlight, spec } of wanted)
        await bench.inTurns(spec, async (side, round) => {
          const load: Requests = { ...each.template, inFlight, connections: connectionsFor(inFlight), seconds };
          // The first turn of each side finds code that has not been compiled yet, and connections that are not there.
          if (round === 0) await side.load.requests({ ...load, seconds: seconds / 2 });
          const done = await side.load.requests(load);
          return bench.rate(done, done.ops, done.latencyMs.p99);
        });
    });
  },
};

function specOf(each: Case, inFlight: number): Spec {
  const goal = each.goal?.[inFlight];
  return {
    id: `${each.id}-${inFlight}`,
    group: 'Single objects, durable',
    title: `${each.title}, ${inFlight} in flight`,
    unit: '1/s',
    better: 'more',
    ...(goal === undefined ? {} : { goal }),
  };
}

async function prepare(side: Side): Promise<void> {
  await side.makeNamespace(namespace);
  const load = { inFlight: 16, connections: 4, count: objects };
  await side.load.requests({ ...create('pods', pod(`pod-${which}`, 'none')), ...load });
  await side.load.requests({ ...apply, ...load });
}
