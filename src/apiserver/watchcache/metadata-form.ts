import type { ListMeta } from '../../machinery/meta/object.ts';
import type { Revision } from '../../store/store.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import { stringifyJson } from '../../machinery/codec/json.ts';
import type { CachedObject } from './cached-object.ts';
import { bookmarkFrame, type Form, jsonList, LazyFrame, plainFrame } from './form.ts';

const text = new TextEncoder();

/** Only metadata: PartialObjectMetadata. */
export class MetadataForm implements Form {
  readonly id: string;
  readonly #apiVersion: string;

  constructor(metaVersion: 'v1' | 'v1beta1') {
    this.#apiVersion = `meta.k8s.io/${metaVersion}`;
    this.id = `metadata:${metaVersion}`;
  }

  single(object: CachedObject): Uint8Array {
    return text.encode(`${this.partial(object)}\n`);
  }

  list(meta: ListMeta, items: Iterable<CachedObject | undefined>): Generator<Uint8Array | undefined> {
    const head = `{"kind":"PartialObjectMetadataList","apiVersion":"${this.#apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
    return jsonList(head, items, (object) => text.encode(this.partial(object)));
  }

  frame(type: WatchEventType, object: CachedObject): WatchFrame {
    const bytes = text.encode(`{"type":"${type}","object":${this.partial(object)}}\n`);
    return new LazyFrame(type, bytes, () => this.#object(object));
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): WatchFrame {
    return bookmarkFrame(this.#apiVersion, 'PartialObjectMetadata', revision, initialEventsEnd);
  }

  error(status: unknown): WatchFrame {
    return plainFrame('ERROR', status);
  }

  /** The object's JSON. */
  partial(object: CachedObject): string {
    return stringifyJson(this.#object(object));
  }

  #object(object: CachedObject) {
    return { kind: 'PartialObjectMetadata', apiVersion: this.#apiVersion, metadata: object.object.metadata };
  }
}
