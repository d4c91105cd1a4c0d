import { parseJson } from '../../machinery/codec/json.ts';
import type { KubeObject, ListMeta } from '../../machinery/meta/object.ts';
import type { Revision } from '../../store/store.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { Resource } from '../registry/resource.ts';
import { encodeStored, itemHead, servedHead, splice } from '../registry/stored-form.ts';
import type { CachedObject } from './cached-object.ts';
import { bookmarkFrame, type Form, jsonList, LazyFrame, plainFrame } from './form.ts';

/** Whole objects as JSON: the stored bytes with type meta and resourceVersion spliced in. */
export class JsonForm implements Form {
  readonly id: string;
  readonly #resource: Resource;
  readonly #head: string;
  readonly #frameHeads: Readonly<Record<string, string>>;
  readonly #listHead: string;
  readonly #itemHead: string;

  constructor(resource: Resource) {
    const { apiVersion, kind } = resource;
    this.#resource = resource;
    this.id = `json:${apiVersion}`;
    this.#head = servedHead(apiVersion, kind);
    // Custom resources say what they are in lists too.
    this.#itemHead = resource.storage?.reader ? this.#head : itemHead;
    const frameHead = (type: string) => `{"type":"${type}","object":${this.#head}`;
    this.#frameHeads = {
      ADDED: frameHead('ADDED'),
      MODIFIED: frameHead('MODIFIED'),
      DELETED: frameHead('DELETED'),
    };
    this.#listHead = `{"kind":${JSON.stringify(`${kind}List`)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":`;
  }

  single(object: CachedObject): Uint8Array {
    return splice(this.#head, object.revision, this.#bytes(object), '\n');
  }

  list(meta: ListMeta, items: Iterable<CachedObject | undefined>): Generator<Uint8Array | undefined> {
    const head = `${this.#listHead}${JSON.stringify(meta)},"items":[`;
    return jsonList(head, items, (object) => splice(this.#itemHead, object.revision, this.#bytes(object)));
  }

  frame(type: WatchEventType, object: CachedObject): WatchFrame {
    const bytes = splice(this.#frameHeads[type]!, object.revision, this.#bytes(object), '}\n');
    // Of a converted object the encoder decides what it is like: the bytes are read again.
    const decode = this.#resource.storage?.conversion
      ? () => (parseJson(bytes).value as { object: unknown }).object
      : () => servedObject(this.#resource, object);
    return new LazyFrame(type, bytes, decode);
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): WatchFrame {
    return bookmarkFrame(this.#resource.apiVersion, this.#resource.kind, revision, initialEventsEnd);
  }

  error(status: unknown): WatchFrame {
    return plainFrame('ERROR', status);
  }

  #bytes(object: CachedObject): Uint8Array {
    const conversion = this.#resource.storage?.conversion;
    return conversion
      ? encodeStored(this.#resource.schema.encode, conversion.fromStorage(object.decode()))
      : object.bytes;
  }
}

/** Decodes in the version of `resource`; of the caller's own. */
export function servedObject(resource: Resource, object: CachedObject): KubeObject {
  const decoded = object.decode();
  const converted = resource.storage?.conversion?.fromStorage(decoded) ?? decoded;
  converted.apiVersion = resource.apiVersion;
  converted.kind = resource.kind;
  return converted;
}
