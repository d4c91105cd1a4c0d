/**
 * Admission: every write passes the plugins between decoding and storing. All mutating passes run in the order of
 * `order.ts`, then defaults again, then the kind's validation, then all validating passes in the same order.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Resource } from '../registry/resource.ts';
import type { RequestContext } from '../request-context.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface Attributes {
  readonly context: RequestContext;
  readonly operation: Operation;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly subresource: string;
  /** '' for cluster scope. */
  readonly namespace: string;
  /** '' while it is still to be generated. */
  readonly name: string;
  /** The new object; mutating plugins change it in place. Undefined on DELETE. */
  readonly object: KubeObject | undefined;
  /** What is stored. Undefined on CREATE. */
  readonly oldObject: KubeObject | undefined;
  readonly dryRun: boolean;
  /** The resource that the request is for, with its schema; `kind` may differ from its kind on sub-resources. */
  readonly served?: Resource;
  /** Set by the chain while it mutates. */
  readonly reinvocation?: Reinvocation;
}

/**
 * What mutating plugins know of each other within one request. A plugin that changed what others have seen asks for a
 * second round, of which there is one at most.
 */
export interface Reinvocation {
  /** The second round is on. */
  readonly again: boolean;
  require(): void;
  /** State that a plugin keeps from the first round to the second, made on first use. */
  state<T>(plugin: string, make: () => T): T;
}

export interface AdmissionPlugin {
  /** Upstream's name: `NamespaceLifecycle`. */
  readonly name: string;
  handles(operation: Operation): boolean;
  /** Changes `attributes.object`; rejects the request by throwing a StatusError. */
  admit?(attributes: Attributes): Promise<void> | void;
  /** May not change anything; rejects by throwing a StatusError. */
  validate?(attributes: Attributes): Promise<void> | void;
}
