/**
 * How objects of a storage go on the wire: one form for each pair of served version and representation (JSON, Table,
 * metadata only, protobuf). Watch frames are made once for all watchers of a form.
 */
import type { ListMeta } from '../../machinery/meta/object.ts';
import type { Revision } from '../../store/store.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { CachedObject } from './cached-object.ts';

export interface Form {
  /** Equal for forms that produce the same bytes; unique within a storage. */
  readonly id: string;
  /** An object as the answer to a request. */
  single(object: CachedObject): Uint8Array;
  /** A list in pieces. Undefined, in `items` and in what comes out: a place to pause. */
  list(meta: ListMeta, items: Iterable<CachedObject | undefined>): Generator<Uint8Array | undefined>;
  /** A watch event that carries `object`; of MODIFIED ones `previous` is what it was before. */
  frame(type: WatchEventType, object: CachedObject, previous?: CachedObject): WatchFrame;
  /** `initialEventsEnd`: annotated as the end of the initial events. */
  bookmark(revision: Revision, initialEventsEnd: boolean): WatchFrame;
  /** The end of a watch that failed. */
  error(status: unknown): WatchFrame;
}

/** A frame whose decoded object is made on first use. */
export class LazyFrame implements WatchFrame {
  readonly type: WatchEventType;
  readonly bytes: Uint8Array;
  #decode: (() => unknown) | undefined;
  #object: unknown;

  constructor(type: WatchEventType, bytes: Uint8Array, decode: () => unknown) {
    this.type = type;
    this.bytes = bytes;
    this.#decode = decode;
  }

  get object(): unknown {
    if (this.#decode) {
      this.#object = this.#decode();
      this.#decode = undefined;
    }
    return this.#object;
  }
}

const text = new TextEncoder();
const comma = text.encode(',');
const jsonListTail = text.encode(']}\n');

/** The head, items with ',' between them, the end of their array and of the list. */
export function* jsonList(
  head: string,
  items: Iterable<CachedObject | undefined>,
  item: (object: CachedObject) => Uint8Array,
): Generator<Uint8Array | undefined> {
  yield text.encode(head);
  let isFirst = true;
  for (const object of items) {
    if (object === undefined) {
      yield undefined;
      continue;
    }
    if (!isFirst) yield comma;
    isFirst = false;
    yield item(object);
  }
  yield jsonListTail;
}

/** A frame of an object that is small or rare: bookmarks, errors. */
export function plainFrame(type: WatchEventType, object: unknown): WatchFrame {
  return { type, object, bytes: text.encode(`{"type":"${type}","object":${JSON.stringify(object)}}\n`) };
}

const initialEventsEndAnnotation = 'k8s.io/initial-events-end';

/** A bookmark's metadata: nothing but the revision. */
export function bookmarkMetadata(revision: Revision, initialEventsEnd: boolean) {
  return {
    resourceVersion: String(revision),
    ...(initialEventsEnd ? { annotations: { [initialEventsEndAnnotation]: 'true' } } : {}),
  };
}

export function bookmarkFrame(
  apiVersion: string,
  kind: string,
  revision: Revision,
  initialEventsEnd: boolean,
): WatchFrame {
  return plainFrame('BOOKMARK', { kind, apiVersion, metadata: bookmarkMetadata(revision, initialEventsEnd) });
}
