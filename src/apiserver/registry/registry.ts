/**
 * The registry: everything between an authenticated, authorised request for a resource and the store.
 */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionPlugin } from '../admission/plugin.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import type { StorageHooks } from './hooks.ts';
import type { Resource } from './resource.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** What is served. Both versions of cohabiting resources are listed. */
  readonly resources: readonly Resource[];
  /** In the order of admission/order.ts. */
  readonly admission?: readonly AdmissionPlugin[];
  readonly hooks?: readonly StorageHooks[];
  /** What went wrong and changed no answer: a store watch that broke, a hook that failed. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** Reads from the watch cache: nothing is waited for, nothing may be written to. For admission and authorizers. */
export interface Lookup {
  get<T extends KubeObject>(group: string, resource: string, namespace: string, name: string): T | undefined;
  /** All of a namespace, or of the cluster when it is ''; in key order. */
  list<T extends KubeObject>(group: string, resource: string, namespace?: string): readonly T[];
  /**
   * Called after each change, in order, until the returned function is called. `object` is undefined when it is gone.
   */
  subscribe<T extends KubeObject>(
    group: string,
    resource: string,
    onChange: (object: T | undefined, old: T | undefined) => void,
  ): () => void;
}

export interface Registry {
  /** Loads the watch caches; resolves when all can be read. */
  start(): Promise<void>;
  /** Ends all watches and the watch on the store. */
  stop(): Promise<void>;
  /**
   * All served resources, with verbs and sub-resources, for discovery: those of the options in their order, then those
   * that came at run time by group and plural. Another array whenever something has changed.
   */
  resources(): readonly Resource[];
  /**
   * From now on serves these resources (the versions of one storage) in place of those that `owner` served before; they
   * can be read when the promise resolves. Calls for one owner come one after the other. After `start`.
   */
  serve(owner: string, resources: readonly Resource[]): Promise<void>;
  /** Ends that: requests are 404, watches end. What is stored stays. */
  withdraw(owner: string): void;
  /** Called after each change of `resources`. */
  onResourcesChange(listener: () => void): void;
  find(group: string, version: string, resource: string): Resource | undefined;
  /** Answers a resource request; failures are answers too (Status), it never rejects. */
  handle(context: RequestContext): Promise<WireResponse>;
  /** Answers `subresource` of a resource in all its served versions (`token`, `log`, `exec`, `proxy` ...). */
  addSubresourceHandler(group: string, resource: string, subresource: string, handler: ContextHandler): void;
  /** Answers all verbs of a resource that is not stored (SubjectAccessReview, TokenReview, ComponentStatus ...). */
  addVirtualResource(group: string, resource: string, handler: ContextHandler): void;
  readonly lookup: Lookup;
  /** Resolves when look-ups show all that was written before the call. */
  caughtUp(): Promise<unknown>;
  /** How many objects of a resource there are, in all namespaces; 0 of what is not stored. */
  objectCount(group: string, version: string, resource: string): number;
  /** For metrics and tests. */
  stats(): RegistryStats;
}

export interface RegistryStats {
  /** Open watches. */
  readonly watchers: number;
  /** Objects in all caches. */
  readonly objects: number;
  /** The revision that the caches have reached. */
  readonly revision: number;
}

export { createRegistry } from './create-registry.ts';
