/**
 * What is special of a kind: everything that the generated tables do not say. The API server's generic registry makes a
 * served resource of a `Kind` and its table; a kind with nothing special needs no entry.
 *
 * A kind is a folder `apis/<group>/<kind>/` (group `core` for the empty one) and one line in `apis/index.ts`.
 */
import type { KubeObject } from '../machinery/meta/object.ts';
import type { UserInfo } from '../machinery/wire.ts';
import type { FieldError } from '../machinery/validation/field-error.ts';

/** What strategies may know of the request. */
export interface StrategyContext {
  readonly namespace: string | undefined;
  /** Who asks. */
  readonly user: UserInfo;
  /** Wall time of the request, ms. */
  readonly nowMs: number;
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
}

/**
 * How writes of a kind (or of one of its sub-resources) go. All functions may change the object they are given as
 * `object`; `old` is readonly by promise. Order: prepare, default (tables), validate, canonicalise.
 */
export interface Strategy<T extends KubeObject = KubeObject> {
  /** Before create: clear what clients may not set (status), set generation, initial phases. */
  prepareForCreate?(object: T, context: StrategyContext): void;
  /** Before update: carry over what this endpoint may not change (spec on status, status on spec), bump generation. */
  prepareForUpdate?(object: T, old: T, context: StrategyContext): void;
  validate?(object: T, context: StrategyContext): readonly FieldError[];
  validateUpdate?(object: T, old: T, context: StrategyContext): readonly FieldError[];
  /** After validation: sort or dedupe into the stored form. */
  canonicalize?(object: T): void;
  /** Warning headers. */
  warnings?(object: T, old: T | undefined, context: StrategyContext): readonly string[];
  /** PUT to a name that is absent creates it (true for few kinds: Lease, Endpoints ...). Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is taken as unconditional. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
}

/** A column of `kubectl get` (meta/v1 TableColumnDefinition). */
export interface Column<T = KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date' | 'number';
  readonly format?: string;
  readonly description: string;
  /** 0: always shown; above: only with `-o wide`. */
  readonly priority?: number;
  cell(object: T, nowMs: number): string | number | boolean | null;
}

/** How DELETE goes where it is not immediate. */
export interface GracefulDelete<T extends KubeObject = KubeObject> {
  /** Seconds of grace for this delete: the asked ones, or the kind's default. 0: at once. */
  gracePeriodSeconds(object: T, asked: number | undefined): number;
}

/** Reads and writes autoscaling/v1 Scale of a kind. Paths are within the object: `.spec.replicas`. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** Where the selector is: `.spec.selector` (a LabelSelector, or a plain map for ReplicationController). */
  readonly selector: string;
}

export interface Kind<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Beyond the generated table's defaults: conditional ones, those computed from other fields. Idempotent. */
  applyDefaults?(object: T): void;
  readonly strategy?: Strategy<T>;
  /** `status`: default made by the registry (only status may change) when the table has the sub-resource. */
  readonly subresources?: Readonly<Record<string, Strategy<T>>>;
  readonly scale?: ScalePaths;
  readonly columns?: readonly Column<T>[];
  /** Field labels besides metadata.name and metadata.namespace, with their value in an object ('' when unset). */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
  readonly gracefulDelete?: GracefulDelete<T>;
  /** What becomes of dependents when a DELETE says nothing of them. Default: they follow, in the background. */
  readonly defaultPropagation?: 'Orphan';
  /** Warning for a DELETE that says nothing of dependents. */
  readonly unsaidPropagationWarning?: string;
  /** Time until an object of this kind expires, from its last write (Events: 1 h). */
  readonly ttlSeconds?: number;
  /** Durability of writes; `relaxed` for Leases and Events only. */
  readonly durability?: 'durable' | 'relaxed';
  /** Warning that every request for the kind gets: `v1 Endpoints is deprecated in v1.33+; use ...`. */
  readonly deprecation?: string;
  /** Names follow other rules than a DNS subdomain. Returns messages, empty when fine. `prefix`: it is a generateName. */
  validateName?(name: string, prefix: boolean): readonly string[];
}
