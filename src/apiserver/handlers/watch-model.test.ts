/** Clients that list and watch, lose their watches and come back, against what is really there. */
import { expect, test } from 'vitest';
import { randomInt, SeededRandom } from '../../base/random.ts';
import { configMap, type EventReader, testRegistry } from '../registry/testing.suite.ts';

const base = '/api/v1/namespaces/default/configmaps';
type Cluster = Awaited<ReturnType<typeof testRegistry>>;

/** Holds what it has been told, as an informer does. */
class Mirror {
  readonly #cluster: Cluster;
  readonly #selector: string;
  readonly #streamed: boolean;
  readonly state = new Map<string, string>();
  #version = '';
  #events: EventReader | undefined;
  relists = 0;

  constructor(cluster: Cluster, selector: string, streamed: boolean) {
    this.#cluster = cluster;
    this.#selector = selector;
    this.#streamed = streamed;
  }

  async connect(): Promise<void> {
    if (this.#version === '' || this.#version === '0') await (this.#streamed ? this.#stream() : this.#list());
    else await this.#watch(`resourceVersion=${this.#version}`);
  }

  async #list(): Promise<void> {
    this.relists++;
    const { body } = await this.#cluster.call('GET', `${base}?${this.#selector}`);
    this.state.clear();
    for (const item of body.items) this.state.set(item.metadata.name, item.metadata.resourceVersion);
    this.#version = body.metadata.resourceVersion;
    await this.#watch(`resourceVersion=${this.#version}`);
  }

  async #stream(): Promise<void> {
    this.relists++;
    this.state.clear();
    this.#version = '0';
    await this.#watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan');
  }

  async #watch(query: string): Promise<void> {
    this.#events = await this.#cluster.watch(`${base}?${this.#selector}&allowWatchBookmarks=true&${query}`);
  }

  async disconnect(): Promise<void> {
    await this.#events?.stop();
    this.#events = undefined;
  }

  /** Reads until it has seen `version`, which is that of a write it can see. */
  async readTo(version: number): Promise<void> {
    while (Number(this.#version) < version) {
      const event = await this.#events!.next();
      if (event === undefined || event.type === 'ERROR') {
        this.#version = '';
        await this.connect();
        continue;
      }
      const { name, resourceVersion } = event.object.metadata;
      if (event.type === 'BOOKMARK') {
        expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(this.#version));
      } else if (event.type === 'ADDED') {
        expect(this.state.has(name), `${name} is added once`).toBe(false);
        this.state.set(name, resourceVersion);
      } else {
        expect(this.state.has(name), `${name} was known before it was ${event.type}`).toBe(true);
        if (event.type === 'DELETED') this.state.delete(name);
        else this.state.set(name, resourceVersion);
      }
      // Initial events come in the order of names, all others in that of versions.
      if (Number(resourceVersion) > Number(this.#version)) this.#version = resourceVersion;
    }
  }
}

test.each([1, 2, 3, 4, 5, 6])('mirrors end up with what is there (seed %i)', async (seed) => {
  const random = new SeededRandom(seed);
  const cluster = await testRegistry();
  const { call, clock } = cluster;
  const selectors = ['', 'labelSelector=on%3Dyes', 'labelSelector=on%21%3Dyes', 'fieldSelector=metadata.name%3Dc3'];
  const mirrors = selectors.flatMap((selector) => [
    new Mirror(cluster, selector, false),
    new Mirror(cluster, selector, true),
  ]);
  for (const mirror of mirrors) await mirror.connect();
  for (let step = 0; step < 400; step++) {
    const name = `c${randomInt(random, 6)}`;
    const on = random.next() < 0.5 ? 'yes' : 'no';
    switch (randomInt(random, 4)) {
      case 0:
        await call('POST', base, { body: { ...configMap(name), metadata: { name, labels: { on } } } });
        break;
      case 1:
        await call('DELETE', `${base}/${name}`);
        break;
      default:
        await call('PATCH', `${base}/${name}`, {
          body: { metadata: { labels: { on } }, data: { step: String(step) } },
          headers: { 'content-type': 'application/merge-patch+json' },
        });
    }
    if (random.next() < 0.1) {
      const mirror = mirrors[randomInt(random, mirrors.length)]!;
      await mirror.disconnect();
      await mirror.connect();
    }
    if (step % 40 === 0) {
      // Bookmarks tell those whose last event was a while ago how far they are.
      await clock.advance(61_000);
      for (const mirror of mirrors) if (random.next() < 0.7) await mirror.readTo(cluster.registry.stats().revision);
    }
  }
  await clock.advance(61_000);
  for (const [i, selector] of selectors.entries()) {
    const { body } = await call('GET', `${base}?${selector}`);
    const expected = new Map(
      body.items.map((item: { metadata: { name: string; resourceVersion: string } }) => [
        item.metadata.name,
        item.metadata.resourceVersion,
      ]),
    );
    for (const mirror of mirrors.slice(i * 2, i * 2 + 2)) {
      await mirror.readTo(cluster.registry.stats().revision);
      expect(new Map([...mirror.state].sort())).toEqual(expected);
    }
  }
});
