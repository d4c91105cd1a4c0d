/** A registry in memory, and requests to it, for the tests of this folder and its neighbours. */
import { kinds } from '../../apis/index.ts';
import { FakeClock } from '../../base/fake-clock.ts';
import { SeededRandom } from '../../base/random.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { WatchFrame, WireResponse } from '../../machinery/wire.ts';
import type { Store } from '../../store/store.ts';
import { createMemoryStore } from '../../store/memory/memory-store.ts';
import type { AdmissionPlugin } from '../admission/plugin.ts';
import type { RequestContext, RequestInfo } from '../request-context.ts';
import { builtinResources } from './builtin.ts';
import type { StorageHooks } from './hooks.ts';
import { createRegistry } from './registry.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly body: any;
  readonly warnings: readonly string[];
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export async function testRegistry(
  options: { readonly admission?: readonly AdmissionPlugin[]; readonly hooks?: readonly StorageHooks[] } = {},
  existing?: Store,
) {
  const clock = new FakeClock({ defer: setImmediate });
  const store = existing ?? createMemoryStore({ clock });
  const errors: string[] = [];
  const registry = createRegistry({
    store,
    clock,
    random: new SeededRandom(1),
    resources: builtinResources(kinds),
    ...options,
    onError: (error, what) => errors.push(`${what}: ${error}`),
  });
  await registry.start();

  function contextOf(method: string, url: string, { body, headers, signal }: CallOptions = {}): RequestContext {
    const { pathname, searchParams } = new URL(url, 'http://x');
    const bytes =
      body === undefined
        ? undefined
        : body instanceof Uint8Array
          ? body
          : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
    return {
      request: {
        method,
        url,
        headers: headers ?? {},
        ...(bytes ? { body: bytes } : {}),
        signal: signal ?? new AbortController().signal,
      },
      info: infoOf(method, pathname, searchParams),
      query: searchParams,
      user: { username: 'tester', groups: [] },
      warnings: [],
      receivedMs: clock.now(),
    };
  }

  async function raw(method: string, url: string, options?: CallOptions): Promise<WireResponse> {
    return registry.handle(contextOf(method, url, options));
  }

  async function call(method: string, url: string, options?: CallOptions): Promise<Answer> {
    const context = contextOf(method, url, options);
    const response = await registry.handle(context);
    if (response.kind !== 'bytes' && response.kind !== 'chunks') throw new Error(`${method} ${url}: ${response.kind}`);
    const parts: Uint8Array[] = [];
    if (response.kind === 'bytes') parts.push(response.body);
    else for await (const chunk of response.chunks) parts.push(chunk);
    const text = Buffer.concat(parts).toString();
    const type = String(response.headers['content-type']);
    return {
      status: response.status,
      headers: response.headers,
      body: type === 'application/json' ? JSON.parse(text) : text,
      warnings: context.warnings,
    };
  }

  /** A watch, read event by event. */
  async function watch(url: string, options?: CallOptions) {
    const response = await raw('GET', `${url}${url.includes('?') ? '&' : '?'}watch=1`, options);
    if (response.kind !== 'watch') {
      const text = response.kind === 'bytes' ? new TextDecoder().decode(response.body) : response.kind;
      throw new Error(`not a watch: ${text}`);
    }
    return new EventReader(response.frames[Symbol.asyncIterator]());
  }

  return { registry, store, clock, errors, call, raw, watch };
}

export interface SeenEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly object: any;
}

export class EventReader {
  readonly #iterator: AsyncIterator<readonly WatchFrame[]>;
  #pending: SeenEvent[] = [];

  constructor(iterator: AsyncIterator<readonly WatchFrame[]>) {
    this.#iterator = iterator;
  }

  /** The next event; undefined when the watch has ended. */
  async next(): Promise<SeenEvent | undefined> {
    while (this.#pending.length === 0) {
      const result = await this.#iterator.next();
      if (result.done) return undefined;
      this.#pending = result.value.map((frame) => {
        const event = JSON.parse(new TextDecoder().decode(frame.bytes)) as SeenEvent;
        if (JSON.stringify(sorted(frame.object)) !== JSON.stringify(sorted(event.object)))
          throw new Error(`a frame's object differs from its bytes: ${JSON.stringify(event)}`);
        return event;
      });
    }
    return this.#pending.shift();
  }

  async take(count: number): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    for (let i = 0; i < count; i++) {
      const event = await this.next();
      if (!event) throw new Error(`the watch ended after ${i} of ${count} events`);
      events.push(event);
    }
    return events;
  }

  async stop(): Promise<void> {
    await this.#iterator.return?.();
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
};

/** The little of request info that the registry reads. */
function infoOf(method: string, path: string, query: URLSearchParams): RequestInfo {
  const segments = path.split('/').filter(Boolean);
  const apiPrefix = segments.shift()!;
  const apiGroup = apiPrefix === 'api' ? '' : segments.shift()!;
  const apiVersion = segments.shift()!;
  let namespace = '';
  if (segments[0] === 'namespaces' && segments.length > 2 && segments[2] !== 'status' && segments[2] !== 'finalize') {
    namespace = segments[1]!;
    segments.splice(0, 2);
  }
  const [resource = '', name = '', subresource = ''] = segments;
  let verb = verbs[method] ?? method.toLowerCase();
  if (name === '') {
    if (verb === 'get') verb = query.has('watch') ? 'watch' : 'list';
    if (verb === 'delete') verb = 'deletecollection';
  }
  return {
    isResourceRequest: true,
    path,
    verb,
    apiPrefix,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    parts: segments,
  };
}

export const configMap = (name: string, data: Record<string, string> = {}): KubeObject & { data: unknown } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
