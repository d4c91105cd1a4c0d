/**
 * Errors of validation, in upstream's shapes: each becomes a cause of a 422 `Invalid` Status. The message texts are
 * matched by clients and tests (apimachinery util/validation/field).
 */

export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].image`, `metadata.labels`, `data[a.b]`. */
  readonly field: string;
  /** The part after the field: `Invalid value: "x": must be ...`. */
  readonly body: string;
}

/** How Go's %v or %q shows a value in such a message. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'object') return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v));
  return String(value);
}

const withDetail = (head: string, detail: string | undefined) => (detail ? `${head}: ${detail}` : head);

export const required = (field: string, detail?: string): FieldError => ({
  type: 'FieldValueRequired',
  field,
  body: withDetail('Required value', detail),
});
export const invalid = (field: string, value: unknown, detail?: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  body: withDetail(`Invalid value: ${show(value)}`, detail),
});
export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  body: `Duplicate value: ${show(value)}`,
});
export const forbidden = (field: string, detail?: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  body: withDetail('Forbidden', detail),
});
export const notFound = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  body: `Not found: ${show(value)}`,
});
/** `supported` in the order of upstream (sorted). */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  body: withDetail(
    `Unsupported value: ${show(value)}`,
    supported.length > 0 ? `supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}` : undefined,
  ),
});
export const tooLong = (field: string, maxBytes: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  body: `Too long: may not be more than ${maxBytes} bytes`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  body: `Too many: ${actual}: must have at most ${max} items`,
});
export const typeInvalid = (field: string, value: unknown, detail?: string): FieldError => ({
  type: 'FieldValueTypeInvalid',
  field,
  body: withDetail(`Invalid value: ${show(value)}`, detail),
});

/** `spec.containers[0].image: Required value`. */
export const fieldErrorText = (e: FieldError): string => `${e.field}: ${e.body}`;
