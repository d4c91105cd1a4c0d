/**
 * What must happen around the storage of one resource and cannot be a pure strategy: allocating addresses and ports of
 * Services, for example. Hooks run after validation and all admission, just before the transaction.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { RequestContext } from '../request-context.ts';

/** Undoes what a hook did: called when the write did not take place (conflict, failure, dry run). Must not throw. */
export type Rollback = () => Promise<void> | void;

export interface StorageHooks<T extends KubeObject = KubeObject> {
  readonly group: string;
  /** Plural. All served versions of the resource share the hooks. */
  readonly resource: string;
  /** May change `object`. Throws a StatusError to refuse. Not told of dry runs that it may skip: see `options.dryRun`. */
  beforeCreate?(object: T, options: HookOptions): Promise<Rollback | undefined> | Rollback | undefined;
  /** May change `object`. `old` is readonly by promise. Runs again, after its rollback, when the write is retried. */
  beforeUpdate?(object: T, old: T, options: HookOptions): Promise<Rollback | undefined> | Rollback | undefined;
  /** After the object is gone from the store. Errors are logged and change nothing. */
  afterDelete?(old: T, options: HookOptions): Promise<void> | void;
}

export interface HookOptions {
  readonly context: RequestContext;
  readonly dryRun: boolean;
  /** '' for the main resource. */
  readonly subresource: string;
}
