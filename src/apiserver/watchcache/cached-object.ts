import type { KubeObject } from '../../machinery/meta/object.ts';

/** What the cache must know of objects of one storage: how to read them, and what can be selected by. */
export interface ObjectReader {
  /** Field labels that selectors may name, besides metadata.name and metadata.namespace; a fixed order. */
  readonly fieldNames: readonly string[];
  /** The values of `fieldNames`, in that order. */
  fieldValues(object: KubeObject): readonly string[];
  /** Stored bytes to an object with type meta (of the stored version) and resourceVersion. */
  decode(stored: Uint8Array, revision: number): KubeObject;
  /**
   * For storages whose schema can change under what is stored (custom resources): the bytes as they would be written
   * today. `known`: they were written just now, by this process. Absent: stored bytes are served as they are.
   */
  readonly unseal?: (stored: Uint8Array, known: boolean) => Unsealed;
}

export interface Unsealed {
  readonly bytes: Uint8Array;
  /** Writing the object again, unchanged, would change what is stored. */
  readonly stale: boolean;
}

const noFields: readonly string[] = [];

/**
 * An object at a revision: its bytes and what is looked up in it. The decoded form (about twice the size of the bytes)
 * is made on demand and held weakly.
 */
export class CachedObject {
  /** In the store. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** As stored. */
  readonly bytes: Uint8Array;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Values of the reader's `fieldNames`. */
  readonly fields: readonly string[];
  /** What is stored differs from `bytes`: a write that changes nothing is still to be made. */
  readonly stale: boolean;
  readonly #reader: ObjectReader;
  #decoded: WeakRef<KubeObject> | undefined;

  constructor(
    reader: ObjectReader,
    at: { readonly key: string; readonly namespace: string; readonly name: string },
    bytes: Uint8Array,
    revision: number,
    labels: Readonly<Record<string, string>> | undefined,
    fields: readonly string[],
    stale = false,
  ) {
    this.#reader = reader;
    this.stale = stale;
    this.key = at.key;
    this.namespace = at.namespace;
    this.name = at.name;
    this.bytes = bytes;
    this.revision = revision;
    this.labels = labels;
    this.fields = fields;
  }

  /** `decoded`: the object of these bytes, when the caller has it already (it is read now and not kept). */
  static read(
    reader: ObjectReader,
    at: { readonly key: string; readonly namespace: string; readonly name: string },
    stored: Uint8Array,
    revision: number,
    decoded?: KubeObject,
  ): CachedObject {
    const { bytes, stale } = reader.unseal?.(stored, decoded !== undefined) ?? { bytes: stored, stale: false };
    const object = decoded ?? reader.decode(bytes, revision);
    const labels = object.metadata.labels;
    return new CachedObject(
      reader,
      at,
      bytes,
      revision,
      labels && Object.keys(labels).length > 0 ? { ...labels } : undefined,
      reader.fieldNames.length === 0 ? noFields : reader.fieldValues(object),
      stale,
    );
  }

  /** In the stored version; shared with every other reader: never to be written to. */
  get object(): KubeObject {
    let object = this.#decoded?.deref();
    if (object === undefined) {
      object = this.#reader.decode(this.bytes, this.revision);
      this.#decoded = new WeakRef(object);
    }
    return object;
  }

  /** A decoded copy of the caller's own. */
  decode(): KubeObject {
    return this.#reader.decode(this.bytes, this.revision);
  }

  /** The same content as of another revision: what a DELETED event carries. */
  at(revision: number): CachedObject {
    return new CachedObject(this.#reader, this, this.bytes, revision, this.labels, this.fields, this.stale);
  }

  /** The value of a field label; undefined when it cannot be selected by. */
  field(name: string): string | undefined {
    if (name === 'metadata.name') return this.name;
    if (name === 'metadata.namespace') return this.namespace;
    const i = this.#reader.fieldNames.indexOf(name);
    return i < 0 ? undefined : this.fields[i];
  }
}
