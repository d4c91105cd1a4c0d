/** What discovery says of a resource, and what the server needs to serve it: one row of the generated table. */

export interface SubresourceInfo {
  /** `status`, `scale`, `binding` ... */
  readonly name: string;
  /** The kind its bodies have: Scale of autoscaling/v1 for `scale`, mostly the resource's own. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Absent for kinds that cannot be listed. */
  readonly listKind?: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** As in discovery, sorted: create, delete, deletecollection, get, list, patch, update, watch. */
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  readonly servedByDefault: boolean;
  readonly featureGate?: string;
  /** Null: never stored (reviews, bindings). */
  readonly storage: {
    readonly group: string;
    readonly version: string;
    /** storageVersionHash of discovery. */
    readonly hash: string;
    /** Below the store's prefix, where it is not group and plural: `services/endpoints`. */
    readonly keyPrefix?: string;
  } | null;
  /** Id in the type table: `apps/v1/Deployment`. */
  readonly type: string;
}

export interface GroupInfo {
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly string[];
  readonly preferred: string;
}
