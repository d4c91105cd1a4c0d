/**
 * A small API server for tests of the client, which can misbehave: refuse, cut its watches, repeat events, expire
 * revisions, answer late. It knows create, get, list, watch, update, merge patch and delete, and no kinds.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { newAlreadyExists, newConflict, newExpired, newNotFound } from '../../machinery/status/errors.ts';
import { StatusError } from '../../machinery/status/status.ts';
import type { Handler, WatchFrame, WireRequest, WireResponse } from '../../machinery/wire.ts';
import { TransportError } from '../client.ts';

interface Entry {
  readonly revision: number;
  readonly collection: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

interface Watcher {
  readonly collection: string;
  readonly namespace: string | undefined;
  queue: WatchFrame[];
  wake: () => void;
  end: 'open' | 'closed' | 'broken';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FakeServer {
  /** Requests seen, as `GET /api/v1/pods?watch=true`. */
  readonly requests: string[] = [];
  /** How misbehaved the server is right now; tests change it as they go. */
  readonly faults = {
    /** The next so many requests get no answer. */
    refuse: 0,
    /** Every watch event is sent twice. */
    duplicate: false,
    /** Streamed initial states are answered with 422, as by an old server. */
    noStreaming: false,
    /** Answers wait for this. */
    delay: undefined as Promise<void> | undefined,
  };
  /** Called before a request is served; what it throws is the answer. */
  intercept: ((request: WireRequest) => void) | undefined;
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<Watcher>();
  #history: Entry[] = [];
  #revision = 1;
  #compacted = 0;

  readonly handler: Handler = async (request) => {
    this.requests.push(`${request.method} ${request.url}`);
    await this.faults.delay;
    if (this.faults.refuse > 0) {
      this.faults.refuse--;
      throw new TransportError('connection refused');
    }
    try {
      this.intercept?.(request);
      return this.#serve(request);
    } catch (error) {
      if (error instanceof StatusError) return json(error.code, error.status);
      throw error;
    }
  };

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Cuts every watch: `broken` as a lost connection does, `closed` as a server does at the end of its time. */
  cutWatches(how: 'broken' | 'closed'): void {
    for (const watcher of [...this.#watchers]) {
      watcher.end = how;
      watcher.wake();
    }
  }

  /** Forgets the history: watches from before now get 410. */
  compact(): void {
    this.#history = [];
    this.#compacted = this.#revision;
  }

  /** Writes behind every client's back. */
  put(collection: string, object: KubeObject): KubeObject {
    const key = keyIn(collection, object.metadata.namespace, object.metadata.name!);
    const old = this.#objects.get(key);
    const stored: KubeObject = {
      ...object,
      metadata: {
        uid: old?.metadata.uid ?? `uid-${this.#revision + 1}`,
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...object.metadata,
        resourceVersion: String(++this.#revision),
      },
    };
    this.#objects.set(key, stored);
    this.#publish({
      revision: this.#revision,
      collection,
      type: old ? 'MODIFIED' : 'ADDED',
      object: stored,
    });
    return stored;
  }

  remove(collection: string, namespace: string | undefined, name: string): void {
    const key = keyIn(collection, namespace, name);
    const old = this.#objects.get(key);
    if (!old) throw newNotFound({ group: '', resource: collection }, name);
    this.#objects.delete(key);
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(++this.#revision) } };
    this.#publish({ revision: this.#revision, collection, type: 'DELETED', object });
  }

  objects(collection: string): KubeObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${collection}|`)).map(([, object]) => object);
  }

  #publish(entry: Entry): void {
    this.#history.push(entry);
    for (const watcher of this.#watchers) {
      if (watcher.end !== 'open' || !wants(watcher, entry)) continue;
      watcher.queue.push(frameOf(entry.type, entry.object));
      if (this.faults.duplicate) watcher.queue.push(frameOf(entry.type, entry.object));
      watcher.wake();
    }
  }

  #serve(request: WireRequest): WireResponse {
    const url = new URL(request.url, 'http://fake');
    const path = parsePath(url.pathname);
    const body = request.body ? (JSON.parse(decoder.decode(request.body)) as KubeObject) : undefined;
    const key = path.name === undefined ? '' : keyIn(path.collection, path.namespace, path.name);
    const found = this.#objects.get(key);
    const resource = { group: '', resource: path.collection.split('/').at(-1)! };
    switch (request.method) {
      case 'POST': {
        const { metadata } = body!;
        const name = metadata.name ?? `${metadata.generateName}${this.#revision + 1}`;
        const namespace = path.namespace ?? metadata.namespace;
        if (this.#objects.has(keyIn(path.collection, namespace, name))) throw newAlreadyExists(resource, name);
        const named = { ...metadata, name, ...(namespace ? { namespace } : {}) };
        return json(201, this.put(path.collection, { ...body!, metadata: named }));
      }
      case 'PUT':
        if (!found) throw newNotFound(resource, path.name!);
        if (body!.metadata.resourceVersion && body!.metadata.resourceVersion !== found.metadata.resourceVersion)
          throw newConflict(resource, path.name!);
        return json(200, this.put(path.collection, body!));
      case 'PATCH':
        if (!found) throw newNotFound(resource, path.name!);
        return json(200, this.put(path.collection, mergePatch(found, body) as KubeObject));
      case 'DELETE':
        this.remove(path.collection, path.namespace, path.name!);
        return json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    }
    if (path.name !== undefined) {
      if (!found) throw newNotFound(resource, path.name);
      return json(200, found);
    }
    if (url.searchParams.get('watch') === 'true') return this.#watch(path, url.searchParams, request.signal);
    const items = this.objects(path.collection).filter(
      (o) => !path.namespace || o.metadata.namespace === path.namespace,
    );
    return json(200, { kind: 'List', metadata: { resourceVersion: String(this.#revision) }, items });
  }

  #watch(path: Path, query: URLSearchParams, signal: AbortSignal): WireResponse {
    const watcher: Watcher = { ...path, queue: [], wake: () => {}, end: 'open' };
    if (query.get('sendInitialEvents') === 'true') {
      if (this.faults.noStreaming)
        return json(422, {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'Invalid',
          code: 422,
        });
      for (const object of this.objects(path.collection))
        if (!path.namespace || object.metadata.namespace === path.namespace)
          watcher.queue.push(frameOf('ADDED', object));
      const metadata = {
        resourceVersion: String(this.#revision),
        annotations: { 'k8s.io/initial-events-end': 'true' },
      };
      watcher.queue.push(frameOf('BOOKMARK', { metadata }));
    } else {
      const from = Number(query.get('resourceVersion'));
      if (from < this.#compacted) {
        const { status } = newExpired(`too old resource version: ${from} (${this.#compacted})`);
        watcher.queue.push(frameOf('ERROR', status as unknown as KubeObject));
        watcher.end = 'closed';
      }
      for (const entry of this.#history)
        if (entry.revision > from && wants(watcher, entry)) watcher.queue.push(frameOf(entry.type, entry.object));
    }
    this.#watchers.add(watcher);
    signal.addEventListener('abort', () => {
      watcher.end = 'closed';
      watcher.wake();
    });
    return { kind: 'watch', status: 200, headers: {}, frames: this.#frames(watcher) };
  }

  async *#frames(watcher: Watcher): AsyncGenerator<readonly WatchFrame[]> {
    try {
      for (;;) {
        const batch = watcher.queue;
        watcher.queue = [];
        if (batch.length > 0) yield batch;
        else if (watcher.end === 'closed') return;
        else if (watcher.end === 'broken') throw new TransportError('connection reset');
        else await new Promise<void>((resolve) => (watcher.wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}

interface Path {
  /** `v1/pods`, `apps/v1/deployments`. */
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

function parsePath(pathname: string): Path {
  const [prefix, ...rest] = pathname.slice(1).split('/');
  const groupVersion = rest.splice(0, prefix === 'api' ? 1 : 2).join('/');
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest.splice(0, 2)[1] : undefined;
  return { collection: `${groupVersion}/${rest[0]}`, namespace, name: rest[1] };
}

const keyIn = (collection: string, namespace: string | undefined, name: string) =>
  `${collection}|${namespace ?? ''}/${name}`;

const wants = (watcher: Watcher, entry: Entry) =>
  watcher.collection === entry.collection &&
  (!watcher.namespace || watcher.namespace === entry.object.metadata.namespace);

function frameOf(type: WatchFrame['type'], object: KubeObject): WatchFrame {
  return { type, object, bytes: encoder.encode(`${JSON.stringify({ type, object })}\n`) };
}

const json = (status: number, body: unknown): WireResponse => ({
  kind: 'bytes',
  status,
  headers: { 'content-type': 'application/json' },
  body: encoder.encode(JSON.stringify(body)),
});

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const out: Record<string, unknown> = { ...(target as Record<string, unknown> | undefined) };
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete out[name];
    else out[name] = mergePatch(out[name], value);
  return out;
}
