/** Objects in protobuf: whole ones of the built-in kinds, and the metadata of any. */
import { protobuf, protobufKindOf, type ProtobufKind } from '../../apis/protobuf.ts';
import {
  envelopeHead,
  envelopeTail,
  inEnvelope,
  lengthDelimited,
  watchEvent,
} from '../../machinery/codec/protobuf-envelope.ts';
import type { KubeObject, ListMeta } from '../../machinery/meta/object.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { Revision } from '../../store/store.ts';
import type { Resource } from '../registry/resource.ts';
import type { CachedObject } from './cached-object.ts';
import { bookmarkMetadata, type Form, LazyFrame } from './form.ts';
import { servedObject } from './json-form.ts';
import { KeptEncodings } from './kept-encodings.ts';

/** What the objects of a form are. */
interface Subject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly form: ProtobufKind;
  /** Only read. */
  object(object: CachedObject): KubeObject;
}

abstract class AbstractProtobufForm implements Form {
  abstract readonly id: string;
  readonly #subject: Subject;
  readonly #list: ProtobufKind;
  readonly #kept = new KeptEncodings();

  constructor(subject: Subject) {
    this.#subject = subject;
    const list = protobuf().kind(subject.apiVersion, `${subject.kind}List`);
    if (list === undefined) throw new Error(`protobuf: no list of ${subject.kind} in ${subject.apiVersion} is known`);
    this.#list = list;
  }

  single(object: CachedObject): Uint8Array {
    return this.#whole(this.#message(object));
  }

  /** The length of all comes before them: nothing is sent before the last is made. */
  *list(meta: ListMeta, items: Iterable<CachedObject | undefined>): Generator<Uint8Array | undefined> {
    const { apiVersion, kind } = this.#subject;
    const { encoder } = protobuf();
    const { message, type } = this.#list;
    const head = encoder.encode(message, type, { metadata: meta });
    const itemTag = encoder.fieldNumber(message, 'items');
    const parts: Uint8Array[] = [];
    let size = head.length;
    for (const object of items) {
      if (object !== undefined) {
        const item = this.#message(object);
        const before = lengthDelimited(itemTag, item.length);
        parts.push(before, item);
        size += before.length + item.length;
      }
      yield undefined;
    }
    yield envelopeHead(apiVersion, `${kind}List`, size);
    yield head;
    yield* parts;
    yield envelopeTail;
  }

  frame(type: WatchEventType, object: CachedObject): WatchFrame {
    return new LazyFrame(type, watchEvent(type, this.single(object)), () => this.#subject.object(object));
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): WatchFrame {
    const { apiVersion, kind } = this.#subject;
    const object = { kind, apiVersion, metadata: bookmarkMetadata(revision, initialEventsEnd) };
    return { type: 'BOOKMARK', object, bytes: watchEvent('BOOKMARK', this.#whole(this.#encode(object))) };
  }

  error(status: unknown): WatchFrame {
    const { encoder, kind } = protobuf();
    const { message, type } = kind('v1', 'Status')!;
    const bytes = watchEvent('ERROR', inEnvelope('v1', 'Status', encoder.encode(message, type, status as object)));
    return { type: 'ERROR', object: status, bytes };
  }

  #message(object: CachedObject): Uint8Array {
    return this.#kept.of(object, () => this.#encoded(object));
  }

  #encoded(object: CachedObject): Uint8Array {
    const served = this.#subject.object(object);
    // An object that was not written (dry run) has no resourceVersion.
    return this.#encode(
      object.revision === 0 ? { ...served, metadata: { ...served.metadata, resourceVersion: '' } } : served,
    );
  }

  #encode(object: object): Uint8Array {
    const { message, type } = this.#subject.form;
    return protobuf().encoder.encode(message, type, object);
  }

  #whole(message: Uint8Array): Uint8Array {
    return inEnvelope(this.#subject.apiVersion, this.#subject.kind, message);
  }
}

export class ProtobufForm extends AbstractProtobufForm {
  readonly id: string;

  /** Throws for resources without a protobuf form. */
  constructor(resource: Resource) {
    const { apiVersion, kind } = resource;
    const form = protobufKindOf(resource);
    if (form === undefined) throw new Error(`protobuf: no form of ${kind} in ${apiVersion} is known`);
    const object = resource.storage?.conversion
      ? (cached: CachedObject) => servedObject(resource, cached)
      : (cached: CachedObject) => cached.object;
    super({ apiVersion, kind, form, object });
    this.id = `protobuf:${apiVersion}`;
  }
}

/** PartialObjectMetadata. */
export class ProtobufMetadataForm extends AbstractProtobufForm {
  readonly id: string;

  constructor(metaVersion: 'v1' | 'v1beta1') {
    const apiVersion = `meta.k8s.io/${metaVersion}`;
    const kind = 'PartialObjectMetadata';
    const form = protobuf().kind(apiVersion, kind)!;
    super({ apiVersion, kind, form, object: ({ object }) => ({ apiVersion, kind, metadata: object.metadata }) });
    this.id = `protobuf-metadata:${metaVersion}`;
  }
}
