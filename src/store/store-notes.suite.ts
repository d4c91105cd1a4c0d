import type { KeyValue, Revision, Store, StoreEvent, WatchSink } from './store.ts';

/** What the tests of stores share: writing shortly, and writing down what they see. */

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array) => new TextDecoder().decode(value);
export const everything = { start: ' ', end: '\x7f' };

/** Writes a value without conditions and returns its revision. */
export async function put(store: Store, key: string, value: string, expiresAtMs?: number): Promise<Revision> {
  const op = { op: 'put' as const, key, value: bytes(value), ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  return (await store.txn({ compare: [], success: [op] })).revision;
}

export async function remove(store: Store, key: string): Promise<Revision> {
  return (await store.txn({ compare: [], success: [{ op: 'delete', key }] })).revision;
}

export const show = (kv: KeyValue | undefined) =>
  kv && `${kv.key}=${text(kv.value)} c${kv.createRevision} m${kv.modRevision} v${kv.version}`;

export const showEvent = (event: StoreEvent) =>
  event.type === 'put'
    ? `${event.revision} put ${show(event.kv)} was ${show(event.previous)}`
    : `${event.revision} delete ${event.key} was ${show(event.previous)}`;

/** Notes everything it is told. */
export class Notes implements WatchSink {
  readonly lines: string[] = [];
  readonly calls: StoreEvent[][] = [];
  readonly upTo: Revision[] = [];
  readonly progress: Revision[] = [];
  ended: Error | undefined;

  onEvents(events: readonly StoreEvent[], upTo: Revision): void {
    this.calls.push([...events]);
    this.lines.push(...events.map(showEvent));
    this.upTo.push(upTo);
  }

  onProgress(upTo: Revision): void {
    this.progress.push(upTo);
  }

  onEnd(error: Error): void {
    this.ended = error;
  }

  get revisions(): Revision[] {
    return this.calls.flat().map((event) => event.revision);
  }
}
