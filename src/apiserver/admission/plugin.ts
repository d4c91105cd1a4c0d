/**
 * Admission: every write passes the plugins between decoding and storing. All mutating passes run in the order of
 * `order.ts`, then defaults again, then the kind's validation, then all validating passes in the same order.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
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
