/**
 * What the generic server needs of a kind. Built-in kinds (a table entry plus an optional `Kind`), custom resources and
 * virtual (never stored) resources are all made into this; nothing behind it knows which it has.
 */
import type { Kind } from '../../apis/kind.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { FieldError } from '../../machinery/validation/field-error.ts';

export type ResourceVerb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A sub-resource as discovery shows it: `kind` (with its own group and version) is what its body is. */
export interface SubresourceInfo {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** What a table says of a served resource: the generated tables and the CRD registry both produce it. */
export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower case plural, as in paths. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** Discovery's storageVersionHash; '' when unknown. */
  readonly storageVersionHash: string;
}

/** A request body, once decoded. */
export interface DecodedObject {
  readonly object: KubeObject;
  /**
   * What strict decoding objects to, in upstream's words and in document order: `unknown field "spec.foo"`,
   * `duplicate field "spec.bar"`.
   */
  readonly strictErrors: readonly string[];
}

/** What is known of the shape of a version of a kind. Made of the generated schema, or of a CRD's. */
export interface ObjectSchema {
  /**
   * Parsed JSON to an object of this shape: unknown fields pruned and reported. Throws StatusError 400 when a value has
   * the wrong type.
   */
  normalize(value: unknown): DecodedObject;
  /** Static defaults of the table, then those of the kind. Idempotent. */
  applyDefaults(object: KubeObject): void;
  /** Required fields, enums and formats that the table knows. */
  validate(object: KubeObject): readonly FieldError[];
}

/** Where objects live, and in which version. Resources that cohabit (events of two groups) share one. */
export interface StorageInfo {
  /** `/registry/apps/deployments/`: objects are at prefix + (namespace + '/') + name. */
  readonly prefix: string;
  /** Cohabiting resources have the same; the watch cache is found by it. `apps/deployments`. */
  readonly id: string;
  /** From the stored version to the served one and back; absent when they are the same. May change its argument. */
  readonly conversion?: {
    fromStorage(object: KubeObject): KubeObject;
    toStorage(object: KubeObject): KubeObject;
  };
}

export interface Resource extends ResourceInfo {
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  readonly schema: ObjectSchema;
  /** Absent: not stored (answered by a handler of its own). */
  readonly storage: StorageInfo | undefined;
  /** Empty when the kind has nothing special. */
  readonly kindInfo: Partial<Kind>;
}
