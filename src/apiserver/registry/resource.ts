/**
 * What the generic server needs of a kind. Built-in kinds (a table entry plus an optional `Kind`), custom resources and
 * virtual (never stored) resources are all made into this; nothing behind it knows which it has.
 */
import type { Kind } from '../../apis/kind.ts';
import type { Shape } from '../../machinery/managedfields/shape.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { ResourceInfo } from '../../machinery/schema/resource.ts';
import type { Decoded, DecodeOptions } from '../../machinery/schema/schema.ts';
import type { FieldError } from '../../machinery/validation/field-error.ts';
import type { ObjectReader } from '../watchcache/cached-object.ts';

/** What is known of the shape of a version of a kind: a generated schema with the kind's defaults, or a CRD's. */
export interface ObjectSchema {
  /**
   * A body to an object: canonical, unknown fields dropped and noted. Throws DecodeError or JsonSyntaxError, in the words
   * of upstream's decoder.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): Decoded;
  /** The same for parsed JSON, which becomes the schema's own. */
  normalize(value: unknown, duplicates?: readonly string[]): Decoded;
  /** Idempotent. */
  applyDefaults(object: KubeObject): void;
  /** What the table alone knows: enums and the like. */
  validate(object: KubeObject): readonly FieldError[];
  /** JSON, metadata first after the type meta (when there is one), without a trailing newline. */
  encode(object: KubeObject): Uint8Array;
  /** How fields are owned and merged by server-side apply; absent: deduced from each object. */
  readonly shape?: Shape;
  /** How strategic merge finds the type; undefined: it is not supported (custom resources). */
  readonly patchType: string | undefined;
}

/** Where objects live, and in which version. Resources that cohabit (events of two groups) share one. */
export interface StorageInfo {
  /** `apps/deployments`; equal for cohabiting resources. Objects are at `/registry/<id>/[<namespace>/]<name>`. */
  readonly id: string;
  /** From the stored version to the served one and back; absent when they are the same. May change their argument. */
  readonly conversion?: Conversion;
  /** How the cache reads what is stored, where the resources that share the storage do not say it by themselves. */
  readonly reader?: ObjectReader;
  /** What is added to encoded bytes before they are stored, and taken off by the reader (`unseal`). */
  readonly seal?: (bytes: Uint8Array) => Uint8Array;
}

export interface Conversion {
  fromStorage(object: KubeObject): KubeObject;
  toStorage(object: KubeObject): KubeObject;
  /** The stored version's encoder. */
  encode(object: KubeObject): Uint8Array;
  /** Where conversion has to be waited for: of stored objects, before `fromStorage` is called for them. */
  prepare?(objects: readonly KubeObject[]): Promise<void>;
  /** The same as `toStorage`, waited for. */
  convertForStorage?(object: KubeObject): Promise<KubeObject>;
}

export interface Resource extends Omit<ResourceInfo, 'storage' | 'type' | 'servedByDefault' | 'featureGate'> {
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  /** For discovery; '' when it is not stored. */
  readonly storageVersionHash: string;
  readonly schema: ObjectSchema;
  /** Absent: not stored (answered by a handler of its own). */
  readonly storage: StorageInfo | undefined;
  /** Empty when the kind has nothing special. */
  readonly kindInfo: Partial<Kind>;
}

/** The root of all objects in the store. */
export const storageRoot = '/registry/';

export const storagePrefix = (storage: StorageInfo): string => `${storageRoot}${storage.id}/`;
