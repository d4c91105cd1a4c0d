/**
 * LIST. Everything comes from the watch cache, except the later pages of a list whose first page is no longer the
 * current state: those are read from the store at the first page's revision.
 */
import type { Clock } from '../../base/clock.ts';
import type { ListMeta } from '../../machinery/meta/object.ts';
import { newBadRequest } from '../../machinery/status/errors.ts';
import { failure, StatusError } from '../../machinery/status/status.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { CompactedError, FutureRevisionError, type KeyRange, prefixRange, type Store } from '../../store/store.ts';
import type { RequestContext } from '../request-context.ts';
import { storagePrefix } from '../registry/resource.ts';
import type { Served } from '../registry/served.ts';
import type { IncludeObject } from '../tables/table-form.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';
import { selects } from '../watchcache/watch-cache.ts';
import type { Selection } from '../watchcache/watcher.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { tooLarge, waitUntilFresh } from './fresh.ts';
import { type Encoding, negotiate } from './negotiate.ts';
import { type ListQuery, parseListQuery } from './options.ts';
import { Pacer } from './pacer.ts';
import { bytesResponse, contentHeaders } from './respond.ts';
import { selectionOf } from './selection.ts';
import { namespaceOf } from './write.ts';

/** Bodies up to this size are sent whole; larger ones are made in pieces of it, as the reader takes them. */
const chunkBytes = 64 * 1024;

/** One page (or all) of a list. */
interface Page {
  readonly revision: number;
  /** In key order; filtered already. Undefined: a place to pause, after many that were passed over. */
  readonly items: Iterable<CachedObject | undefined>;
  readonly continue?: string;
  readonly remaining?: number;
}

export async function handleList(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const query = parseListQuery(context.query, false);
  const form = served.form(negotiated, includeObject(context.query));
  const selection = selectionOf(served, namespaceOf(context, served), query.labels, query.fields, context.info.name);
  const page = await readPage(served, query, selection);
  const meta: ListMeta = {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  return sendList(form, meta, page.items, negotiated.encoding, served.services.clock);
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  if (value === '' || value === 'Metadata') return 'Metadata';
  if (value === 'None' || value === 'Object') return value;
  throw newBadRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

/** The objects that a list without paging selects, as of now. */
export async function readAll(served: Served, query: ListQuery, selection: Selection): Promise<Page> {
  return readPage(served, { ...query, limit: 0, continue: '' }, selection);
}

async function readPage(served: Served, query: ListQuery, selection: Selection): Promise<Page> {
  const page = await readStoredPage(served, query, selection);
  if (!served.convertsLater) return page;
  const items = [...page.items];
  await served.prepare(items);
  const { matchesConverted } = selection;
  return {
    ...page,
    items: matchesConverted ? items.filter((item) => item !== undefined && matchesConverted(item)) : items,
  };
}

async function readStoredPage(served: Served, query: ListQuery, selection: Selection): Promise<Page> {
  const { cache, services } = served;
  const range = rangeOf(served, selection.namespace);
  const exact = query.resourceVersionMatch === 'Exact';
  if (query.continue !== '') {
    if (query.resourceVersion !== undefined && query.resourceVersion !== 0)
      throw newBadRequest('specifying resource version is not allowed when using continue');
    const token = decodeContinue(query.continue);
    const start = storagePrefix(served.resource.storage!) + token.start;
    if (start < range.start || start >= range.end)
      throw newBadRequest('continue key is not valid: it belongs to another list');
    await services.hub.waitForCurrent();
    if (token.revision >= 0 && cache.changedAt > token.revision)
      return readOldPage(served, query, selection, { start, end: range.end }, token.revision);
    const revision = token.revision < 0 ? services.hub.revision : token.revision;
    return cachedPage(served, query, selection, { start, end: range.end }, revision);
  }
  await waitUntilFresh(services.hub, query.resourceVersion);
  if (exact && cache.changedAt > query.resourceVersion!)
    return readOldPage(served, query, selection, range, query.resourceVersion!);
  return cachedPage(served, query, selection, range, exact ? query.resourceVersion! : services.hub.revision);
}

/** The keys of a namespace, or of all. */
function rangeOf(served: Served, namespace: string): KeyRange {
  const prefix = storagePrefix(served.resource.storage!);
  return prefixRange(namespace === '' ? prefix : `${prefix}${namespace}/`);
}

function cachedPage(served: Served, query: ListQuery, selection: Selection, range: KeyRange, revision: number): Page {
  const { objects } = served.cache.snapshot(revision);
  // The limit does not count for reads of any age: they are for informers, which take everything.
  const limit = query.resourceVersion === 0 && query.continue === '' ? 0 : query.limit;
  const all = selection.matches === undefined && selection.namespace === '';
  if (limit === 0) {
    const whole = all && range.start === storagePrefix(served.resource.storage!);
    return {
      revision,
      items: whole ? values(objects.range()) : filtered(objects.range(range.start, range.end), selection),
    };
  }
  const items: CachedObject[] = [];
  let next: string | undefined;
  objects.visit(range.start, range.end, (key, object) => {
    if (items.length === limit) {
      next = key;
      return false;
    }
    if (selects(selection, object)) items.push(object);
    return undefined;
  });
  if (next === undefined) return { revision, items };
  return {
    revision,
    items,
    ...continuing(served, next, revision),
    ...(selection.matches === undefined && selection.matchesConverted === undefined
      ? { remaining: objects.count(next, range.end) }
      : {}),
  };
}

const continuing = (served: Served, next: string, revision: number) => ({
  continue: encodeContinue({ revision, start: next.slice(storagePrefix(served.resource.storage!).length) }),
});

/** A page of a state that is no longer the newest. */
async function readOldPage(
  served: Served,
  query: ListQuery,
  selection: Selection,
  range: KeyRange,
  revision: number,
): Promise<Page> {
  const items: CachedObject[] = [];
  const limit = query.limit;
  const batch = limit === 0 ? 10_000 : Math.max(limit + 1, 100);
  let start = range.start;
  for (;;) {
    const result = await atRevision(served.services.store, { start, end: range.end, limit: batch }, revision, () =>
      query.continue === '' ? tooOld() : expired(served, start),
    );
    for (const kv of result.kvs) {
      if (limit > 0 && items.length === limit) return { revision, items, ...continuing(served, kv.key, revision) };
      const object = served.cache.view(kv.key, kv.value, kv.modRevision, undefined);
      if (selects(selection, object)) items.push(object);
    }
    if (!result.more || result.kvs.length === 0) return { revision, items };
    start = `${result.kvs[result.kvs.length - 1]!.key}\0`;
  }
}

async function atRevision(
  store: Store,
  range: KeyRange & { readonly limit: number },
  revision: number,
  onCompacted: () => StatusError,
) {
  try {
    return await store.range({ ...range, revision });
  } catch (error) {
    if (error instanceof CompactedError) throw onCompacted();
    if (error instanceof FutureRevisionError) throw tooLarge(revision, error.currentRevision);
    throw error;
  }
}

const tooOld = () => failure(410, 'Expired', 'The resourceVersion for the provided list is too old.');

/** 410, with a token in its metadata by which the client may go on, accepting that the list is not of one moment. */
function expired(served: Served, start: string): StatusError {
  const { status } = failure(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  return new StatusError({ ...status, metadata: continuing(served, start, -1) });
}

function* values(entries: Iterable<readonly [string, CachedObject]>): Generator<CachedObject> {
  for (const [, object] of entries) yield object;
}

/** Objects that a selector may pass over between two looks at the clock. */
const passedOver = 64;

function* filtered(
  entries: Iterable<readonly [string, CachedObject]>,
  selection: Selection,
): Generator<CachedObject | undefined> {
  let passed = 0;
  for (const [, object] of entries) {
    if (selects(selection, object)) yield object;
    else if (++passed % passedOver === 0) yield undefined;
  }
}

/** Small lists whole, large ones in chunks that are made while they are sent. */
export async function sendList(
  form: Form,
  meta: ListMeta,
  items: Iterable<CachedObject | undefined>,
  encoding: Encoding,
  clock: Clock,
): Promise<WireResponse> {
  const pieces = form.list(meta, items);
  const pacer = new Pacer(clock);
  const first = await nextChunk(pieces, pacer);
  if (first.done || encoding === 'yaml') {
    const parts = [first.bytes];
    for (let last = first; !last.done; ) {
      last = await nextChunk(pieces, pacer);
      parts.push(last.bytes);
    }
    return bytesResponse(200, parts.length === 1 ? parts[0]! : concat(parts), encoding);
  }
  return {
    kind: 'chunks',
    status: 200,
    headers: contentHeaders(encoding),
    chunks: chunksOf(first.bytes, pieces, pacer),
  };
}

async function* chunksOf(
  first: Uint8Array,
  pieces: Generator<Uint8Array | undefined>,
  pacer: Pacer,
): AsyncGenerator<Uint8Array> {
  yield first;
  for (;;) {
    const chunk = await nextChunk(pieces, pacer);
    yield chunk.bytes;
    if (chunk.done) return;
  }
}

/** Pieces up to the size of a chunk, joined. */
async function nextChunk(
  pieces: Generator<Uint8Array | undefined>,
  pacer: Pacer,
): Promise<{ readonly bytes: Uint8Array; readonly done: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const piece = pieces.next();
    if (piece.done) return { bytes: concat(parts), done: true };
    if (pacer.isDue) await pacer.rest();
    if (piece.value === undefined) continue;
    parts.push(piece.value);
    size += piece.value.length;
    if (size >= chunkBytes) return { bytes: concat(parts), done: false };
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
