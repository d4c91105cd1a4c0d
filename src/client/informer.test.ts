import { afterEach, expect, test } from 'vitest';
import fc from 'fast-check';
import { FakeClock } from '../base/fake-clock.ts';
import { SeededRandom } from '../base/random.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { newTimeout } from '../machinery/status/errors.ts';
import { createDirectTransport } from './direct/direct.ts';
import { FakeServer } from './fake/server.ts';
import { Informer, type InformerOptions } from './informer.ts';
import { createClient } from './rest.ts';

type Thing = KubeObject & { spec?: { nodeName?: string; n?: number } };
const things = { group: '', version: 'v1', resource: 'things' };
const running: Informer<Thing>[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((informer) => informer.stop()));
});

function setup(options: Partial<InformerOptions<Thing>> = {}) {
  const clock = new FakeClock({ defer: setImmediate });
  const server = new FakeServer();
  const transport = createDirectTransport({ handler: server.handler, user: { username: 't', groups: [] }, clock });
  const log: string[] = [];
  const errors: unknown[] = [];
  const informer = new Informer<Thing>({
    client: createClient({ transport, clock }).resource<Thing>(things),
    clock,
    random: new SeededRandom(1),
    freeze: true,
    onError: (error) => errors.push(error),
    ...options,
  });
  informer.addHandlers({
    onAdd: (o, isInitial) => log.push(`add ${o.metadata.name}${isInitial ? ' initial' : ''}`),
    onUpdate: (old, o) => log.push(`update ${o.metadata.name} ${old.spec?.n}->${o.spec?.n}`),
    onDelete: (o) => log.push(`delete ${o.metadata.name}`),
  });
  running.push(informer);
  const put = (name: string, n = 0, nodeName?: string) =>
    server.put('v1/things', {
      metadata: { name, namespace: 'a' },
      spec: { n, ...(nodeName ? { nodeName } : {}) },
    } as Thing);
  const remove = (name: string) => server.remove('v1/things', 'a', name);
  const start = async () => {
    informer.start();
    await clock.settle(10);
  };
  return { clock, server, informer, log, errors, put, remove, start };
}

test.each([false, true])(
  'informer, delivers the initial state and then changes (server without streaming: %s)',
  async (noStreaming) => {
    const { clock, server, informer, log, put, remove, start } = setup();
    server.faults.noStreaming = noStreaming;
    put('x');
    await start();
    expect(informer.hasSynced).toBe(true);
    put('y');
    put('x', 1);
    remove('y');
    await clock.settle(10);
    expect(log).toEqual(['add x initial', 'add y', 'update x 0->1', 'delete y']);
    expect(informer.list().map((o) => o.metadata.name)).toEqual(['x']);
  },
);

test('informer, connection lost while things change, takes the watch up where it was', async () => {
  const { clock, server, log, put, remove, start } = setup();
  put('x');
  await start();
  server.faults.refuse = 2;
  server.cutWatches('broken');
  await clock.settle();
  put('y');
  remove('x');
  await clock.advance(60_000);
  expect(log).toEqual(['add x initial', 'add y', 'delete x']);
  expect(server.requests.filter((r) => r.includes('sendInitialEvents'))).toHaveLength(1);
});

test('informer, revision expired while it was away, lists again and finds what was deleted', async () => {
  const { clock, server, log, put, remove, start } = setup();
  put('x');
  put('z', 5);
  await start();
  server.cutWatches('closed');
  put('y');
  remove('x');
  put('z', 6);
  server.compact();
  await clock.advance(10_000);
  expect(log).toEqual(['add x initial', 'add z initial', 'delete x', 'update z 5->6', 'add y']);
});

test('informer, deleted and made again while away, is told of both', async () => {
  const { clock, server, log, put, remove, start } = setup();
  put('x');
  await start();
  server.cutWatches('closed');
  remove('x');
  put('x', 7);
  server.compact();
  await clock.advance(10_000);
  expect(log).toEqual(['add x initial', 'delete x', 'add x']);
});

test('informer, events repeated, delivers each once', async () => {
  const { clock, server, log, put, remove, start } = setup();
  server.faults.duplicate = true;
  await start();
  put('x');
  remove('x');
  put('y');
  put('y', 1);
  await clock.settle(10);
  expect(log).toEqual(['add x', 'delete x', 'add y', 'update y 0->1']);
});

test('informer, server says the revision is too large, asks for the newest state', async () => {
  const { clock, server, informer, put, start } = setup();
  put('x');
  await start();
  let refused = 0;
  server.intercept = (request) => {
    if (!request.url.includes('resourceVersion=') || refused++ > 0) return;
    const error = newTimeout('Too large resource version: 9, current: 1');
    throw Object.assign(error, {
      status: { ...error.status, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
    });
  };
  server.cutWatches('closed');
  put('y');
  await clock.advance(60_000);
  expect(informer.list().map((o) => o.metadata.name)).toEqual(['x', 'y']);
  expect(server.watchers).toBe(1);
});

test('informer, server refuses for long, waits longer each time and never spins', async () => {
  const { clock, server, informer, errors, start } = setup();
  server.faults.refuse = 1000;
  await start();
  await clock.advance(300_000);
  expect(errors.length).toBeGreaterThan(5);
  expect(errors.length).toBeLessThan(20);
  server.faults.refuse = 0;
  await clock.advance(61_000);
  expect(informer.hasSynced).toBe(true);
});

test('informer, every watch expires at once, waits longer each time and never spins', async () => {
  const { clock, server, start } = setup();
  await start();
  server.intercept = (request) => {
    if (request.url.includes('resourceVersion=')) server.compact();
    server.put('v1/others', { metadata: { name: 'o' } });
  };
  const before = server.requests.length;
  for (let i = 0; i < 30; i++) {
    server.compact();
    server.cutWatches('closed');
    await clock.advance(100);
  }
  expect(server.requests.length - before).toBeLessThan(40);
  server.intercept = undefined;
  await clock.advance(60_000);
  expect(server.watchers).toBe(1);
});

test('informer, server answers late, comes to the same state; stopped meanwhile, leaves nothing', async () => {
  const { clock, server, informer, put, start } = setup();
  let answer: () => void = () => {};
  server.faults.delay = new Promise((resolve) => {
    answer = resolve;
  });
  put('x');
  await start();
  expect(informer.hasSynced).toBe(false);
  answer();
  await clock.settle(10);
  expect(informer.size).toBe(1);
  server.faults.delay = new Promise((resolve) => {
    answer = resolve;
  });
  server.cutWatches('broken');
  await clock.advance(5_000);
  const stopping = informer.stop();
  answer();
  await stopping;
  await clock.settle(10);
  expect(clock.waiting()).toEqual([]);
});

test('informer, managed fields are dropped, the rest stays, and objects are frozen', async () => {
  const { server, informer, start } = setup();
  server.put('v1/things', { metadata: { name: 'x', namespace: 'a', labels: { l: '1' }, managedFields: [{}] } });
  await start();
  const object = informer.get('a/x')!;
  expect(object.metadata).not.toHaveProperty('managedFields');
  expect(object.metadata.labels).toEqual({ l: '1' });
  expect(Object.isFrozen(object.metadata.labels)).toBe(true);
});

test('informer, indexes follow changes', async () => {
  const { clock, informer, put, remove, start } = setup();
  informer.addIndex('parity', (o) => [(o.spec?.n ?? 0) % 2 === 0 ? 'even' : 'odd']);
  put('x', 0, 'node1');
  put('y', 1, 'node1');
  await start();
  const names = (index: string, value: string) => informer.byIndex(index, value).map((o) => o.metadata.name);
  expect(names('byNodeName', 'node1')).toEqual(['x', 'y']);
  put('x', 1, 'node2');
  await clock.settle();
  expect(names('byNodeName', 'node1')).toEqual(['y']);
  expect(names('parity', 'even')).toEqual([]);
  expect(names('parity', 'odd').sort()).toEqual(['x', 'y']);
  remove('y');
  await clock.settle();
  expect(names('byNodeName', 'node1')).toEqual([]);
  expect(informer.byNamespace('a')).toHaveLength(1);
  expect(() => informer.byIndex('nope', '')).toThrow("index 'nope'");
});

test('informer, a handler throws, others are still told', async () => {
  const { clock, informer, log, errors, put, start } = setup();
  informer.addHandlers({
    onAdd: () => {
      throw new Error('bad handler');
    },
  });
  await start();
  put('x');
  await clock.settle();
  expect(log).toEqual(['add x']);
  expect(errors).toHaveLength(1);
});

test('informer, stopped, leaves no watch, no timer, and tells nobody', async () => {
  const { clock, server, informer, log, put, start } = setup();
  await start();
  await informer.stop();
  put('x');
  await clock.settle();
  expect(log).toEqual([]);
  expect(server.watchers).toBe(0);
  expect(clock.waiting()).toEqual([]);
});

test('informer, whatever the server does to its watches, ends up with the same state and a gapless story', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name: fc.constantFrom('a', 'b', 'c', 'd') }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom('a', 'b', 'c', 'd') }),
    },
    fc.record({ do: fc.constantFrom('break' as const, 'close' as const, 'compact' as const, 'duplicate' as const) }),
    fc.record({ do: fc.constantFrom('refuse' as const, 'wait' as const, 'wait' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, noStreaming) => {
      const { clock, server, informer, put, remove, start } = setup();
      server.faults.noStreaming = noStreaming;
      const mirror = new Map<string, number | undefined>();
      informer.addHandlers({
        onAdd: (o) => {
          expect(mirror.has(o.metadata.name!)).toBe(false);
          mirror.set(o.metadata.name!, o.spec?.n);
        },
        onUpdate: (old, o) => {
          expect(mirror.get(o.metadata.name!)).toBe(old.spec?.n);
          mirror.set(o.metadata.name!, o.spec?.n);
        },
        onDelete: (o) => expect(mirror.delete(o.metadata.name!)).toBe(true),
      });
      await start();
      let n = 0;
      for (const s of steps) {
        if (s.do === 'put') put(s.name, ++n);
        else if (s.do === 'remove')
          server.objects('v1/things').some((o) => o.metadata.name === s.name) && remove(s.name);
        else if (s.do === 'break') server.cutWatches('broken');
        else if (s.do === 'close') server.cutWatches('closed');
        else if (s.do === 'compact') server.compact();
        else if (s.do === 'duplicate') server.faults.duplicate = !server.faults.duplicate;
        else if (s.do === 'refuse') server.faults.refuse++;
        else await clock.settle(1);
      }
      await clock.advance(120_000);
      const truth = new Map(server.objects('v1/things').map((o) => [o.metadata.name, (o as Thing).spec?.n]));
      expect(mirror).toEqual(truth);
      await informer.stop();
    }),
    { numRuns: 60 },
  );
});
