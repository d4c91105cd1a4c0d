/** Lists of many pods: whole and in pages, in both encodings, compressed and not. */
import { pod, which } from '../objects.ts';
import type { Load, Run } from '../run.ts';
import type { Side } from '../side.ts';

const encodings = {
  JSON: 'application/json',
  protobuf: 'application/vnd.kubernetes.protobuf',
} as const;
const pageSize = 500;
const sizes = [1_000, 10_000, 50_000];
/** A namespace of so many takes seconds a list: fewer rounds. */
const largest = 50_000;

const namespaceOf = (size: number): string => `list-${size}`;

export const lists: Load = {
  name: 'lists',
  about: 'lists of 1,000, 10,000 and 50,000 pods',
  ids: variants().map(({ id }) => id),
  async run(bench: Run) {
    const wanted = variants().filter(({ id, size }) => bench.wants('lists', id) && !(bench.quick && size > 1_000));
    if (wanted.length === 0) return;
    await bench.withBoth(async () => {
      for (const side of bench.sides)
        for (const size of new Set(wanted.map((each) => each.size))) await fill(side, size);
      for (const { id, title, size, path, headers } of wanted)
        await bench.inTurns(
          {
            id,
            group: 'Lists of pods',
            title,
            unit: 'lists/s',
            better: 'more',
            ...(size === 10_000 ? { goal: 3 } : {}),
          },
          async (side, round) => {
            const load = { path, headers, seconds: bench.quick ? 0.3 : 1.5, count: 1 };
            if (round === 0) await check(side, load, size);
            const done = await side.load.lists(load);
            return bench.rate(done, done.ops);
          },
          size === largest ? Math.min(3, bench.rounds) : bench.rounds,
        );
    });
  },
};

interface Variant {
  readonly id: string;
  readonly title: string;
  readonly size: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function variants(): Variant[] {
  const out: Variant[] = [];
  for (const size of sizes)
    for (const [encoding, accept] of Object.entries(encodings))
      for (const [gzip, paged] of [
        [false, false],
        [false, true],
        [true, false],
      ]) {
        const pages = paged ? `, pages of ${pageSize}` : '';
        out.push({
          id: `list-${size}-${encoding.toLowerCase()}${gzip ? '-gzip' : ''}${paged ? '-paged' : ''}`,
          title: `${size.toLocaleString('en-US')} pods, ${encoding}${gzip ? ', gzip' : ''}${pages}`,
          size,
          path: `/api/v1/namespaces/${namespaceOf(size)}/pods?limit=${paged ? pageSize : 0}`,
          headers: { accept, ...(gzip ? { 'accept-encoding': 'gzip' } : {}) },
        });
      }
  return out;
}

/** How every pod's name begins, in all encodings. */
const marker = 'listed-pod-';

async function fill(side: Side, size: number): Promise<void> {
  const namespace = namespaceOf(size);
  await side.makeNamespace(namespace);
  await side.load.requests({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(pod(`${marker}${which}`, 'none')),
    expect: [201],
    connections: 4,
    inFlight: 32,
    count: size,
  });
}

/** Both must answer with all pods, in the encoding that was asked for. */
async function check(side: Side, load: Pick<Variant, 'path' | 'headers'>, size: number): Promise<void> {
  const { items } = await side.load.lists({ ...load, seconds: 0, count: 0, marker });
  if (items !== size) throw new Error(`the list has ${items} pods of ${size}`);
}
