/** WATCH: from a revision, from the state as it is (ADDED for all that is there), or as a streamed list. */
import type { Clock } from '../../base/clock.ts';
import { randomInt } from '../../base/random.ts';
import { newExpired } from '../../machinery/status/errors.ts';
import type { WatchFrame, WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { storagePrefix } from '../registry/resource.ts';
import type { Served } from '../registry/served.ts';
import type { Form } from '../watchcache/form.ts';
import { selects, type Snapshot } from '../watchcache/watch-cache.ts';
import { type Selection, Watcher } from '../watchcache/watcher.ts';
import { prefixRange } from '../../store/store.ts';
import { PendingForm, whenConverted } from './pending-form.ts';
import { waitUntilFresh } from './fresh.ts';
import { negotiate } from './negotiate.ts';
import { includeObject } from './list.ts';
import { parseListQuery } from './options.ts';
import { Pacer } from './pacer.ts';
import { streamHeaders } from './respond.ts';
import { selectionOf } from './selection.ts';
import { namespaceOf } from './write.ts';

/** A watch without timeoutSeconds lasts between this and its double, so that not all come back at once. */
const minimumTimeoutMs = 1_800_000;
/** A bookmark comes so long before the end, so that the next watch starts where this one stopped. */
const bookmarkBeforeEndMs = 2_000;
/** Bytes of initial events in one batch. */
const batchBytes = 64 * 1024;
/** Objects between two looks at the clock. */
const checkEvery = 32;

export async function handleWatch(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { watch: true, resource: served.resource });
  const query = parseListQuery(context.query, true);
  const wanted = served.form(negotiated, includeObject(context.query));
  const form = served.convertsLater ? new PendingForm(wanted) : wanted;
  const { cache, services } = served;
  const { signal } = context.request;
  const selection = selectionOf(served, namespaceOf(context, served), query.labels, query.fields, context.info.name);
  const from = query.resourceVersion;
  const bookmarks = query.allowWatchBookmarks;
  // With initial events the state must be as new as asked; without a version, as new as the store.
  const withState = query.sendInitialEvents ?? (from === undefined || from === 0);
  if (withState) await waitUntilFresh(services.hub, from);

  let watcher: Watcher;
  if (withState) {
    const snapshot = cache.snapshot(services.hub.revision);
    const endMark = query.sendInitialEvents === true && bookmarks;
    const initial = initialEvents(served, snapshot, selection, form, endMark);
    watcher = cache.watch(selection, form, { bookmarks, after: snapshot.revision, initial });
  } else if ((from ?? services.hub.revision) < cache.completeAfter) {
    watcher = failedWatch(form, newExpired(`too old resource version: ${from} (${cache.completeAfter})`).status);
  } else {
    watcher = cache.watch(selection, form, { bookmarks, after: from || services.hub.revision });
  }
  const timeoutMs = query.timeoutSeconds
    ? query.timeoutSeconds * 1000
    : minimumTimeoutMs + randomInt(services.random, minimumTimeoutMs);
  endWith(
    watcher,
    signal,
    services.clock,
    timeoutMs,
    bookmarks ? () => form.bookmark(services.hub.revision, false) : undefined,
  );
  return {
    kind: 'watch',
    status: 200,
    headers: streamHeaders(negotiated.encoding),
    frames: served.convertsLater ? whenConverted(watcher, served, wanted, selection.matchesConverted) : watcher,
  };
}

/** Ends the watch with the request or its time, whichever is first, and leaves nothing behind. */
function endWith(
  watcher: Watcher,
  signal: AbortSignal,
  clock: Clock,
  timeoutMs: number,
  lastBookmark: (() => WatchFrame) | undefined,
): void {
  if (signal.aborted) {
    watcher.close();
    return;
  }
  const end = clock.after(timeoutMs, () => watcher.close(), 'end of a watch');
  const mark =
    lastBookmark && timeoutMs > bookmarkBeforeEndMs
      ? clock.after(timeoutMs - bookmarkBeforeEndMs, () => watcher.push(lastBookmark()), 'last bookmark of a watch')
      : undefined;
  const onAbort = () => watcher.close();
  signal.addEventListener('abort', onAbort, { once: true });
  watcher.onClosed(() => {
    end.cancel();
    mark?.cancel();
    signal.removeEventListener('abort', onAbort);
  });
}

/** The state as ADDED events, in key order; then, when asked, the bookmark that says so. */
async function* initialEvents(
  served: Served,
  snapshot: Snapshot,
  selection: Selection,
  form: Form,
  endMark: boolean,
): AsyncGenerator<readonly WatchFrame[]> {
  const prefix = storagePrefix(served.resource.storage!);
  const range = prefixRange(selection.namespace === '' ? prefix : `${prefix}${selection.namespace}/`);
  let batch: WatchFrame[] = [];
  let size = 0;
  const pacer = new Pacer(served.services.clock);
  let seen = 0;
  for (const [, object] of snapshot.objects.range(range.start, range.end)) {
    if (++seen % checkEvery === 0 && pacer.isDue) await pacer.rest();
    if (!selects(selection, object)) continue;
    const frame = form.frame('ADDED', object);
    batch.push(frame);
    size += frame.bytes.length;
    if (size < batchBytes) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (endMark) batch.push(form.bookmark(snapshot.revision, true));
  if (batch.length > 0) yield batch;
}

/** A watch that ends with an ERROR event: how a client learns that its resourceVersion is gone. */
function failedWatch(form: Form, status: unknown): Watcher {
  const watcher: Watcher = new Watcher(
    errorThenEnd(form.error(status), () => watcher.close()),
    () => {},
  );
  return watcher;
}

async function* errorThenEnd(error: WatchFrame, end: () => void): AsyncGenerator<readonly WatchFrame[]> {
  yield [error];
  end();
}
