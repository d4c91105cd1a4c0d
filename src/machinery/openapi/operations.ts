/** Operations as the generator writes them. */

/** [operation id, index into `queries`, type id of the body ('' when none), type id of the answer ('' when none)]. */
export type RawOperation = readonly [string, number, string, string];

export interface RawOperations {
  /** Lists of query parameters: [name, `string`, `boolean` or `number`]. */
  readonly queries: readonly (readonly (readonly [string, string])[])[];
  /** Path with `{name}` parameters -> HTTP verb in lower case -> operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
}
