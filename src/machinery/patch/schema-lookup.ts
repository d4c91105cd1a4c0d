/** What strategic merge needs to know of the API's types. */

export interface PatchMeta {
  /** `merge` of lists: by `mergeKey`, or as a set of scalars without one. Absent: lists are replaced, maps are merged. */
  readonly strategy?: 'merge' | 'replace';
  readonly mergeKey?: string;
  /** The type of a map's fields, or of a list's or string map's elements. Absent for scalars and free-form values. */
  readonly childType?: string;
}

/** The generated tables, seen by type and field. `type` is a name that only the lookup understands. */
export interface SchemaLookup {
  /** Undefined: the type has no such field. */
  patchMeta(type: string, field: string): PatchMeta | undefined;
}
