/** What ConfigMaps and Secrets hold. */
import { type FieldError, forbidden, invalid, tooLong } from '../../machinery/validation/field-error.ts';
import { byteLength, isConfigMapKey } from '../../machinery/validation/formats.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';

/** All values of one object together: what upstream keeps of etcd's limit on a record. */
export const maxDataBytes = 1024 * 1024;

type Data = Readonly<Record<string, string>> | undefined;

export const validateKeys = (data: Data, field: string): FieldError[] =>
  Object.keys(data ?? {}).flatMap((key) =>
    isConfigMapKey(key).map((message) => invalid(`${field}[${key}]`, key, message)),
  );

export const textBytes = (data: Data): number =>
  Object.values(data ?? {}).reduce((sum, text) => sum + byteLength(text), 0);

/** Of base64 text: the bytes it stands for. */
export const decodedBytes = (data: Data): number =>
  Object.values(data ?? {}).reduce(
    (sum, text) => sum + Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0),
    0,
  );

export const notTooLarge = (bytes: number, field: string): FieldError[] =>
  bytes > maxDataBytes ? [tooLong(field, maxDataBytes)] : [];

/** Once immutable, always immutable. */
export function validateImmutableData<T extends object>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if ((old as { immutable?: boolean }).immutable !== true) return [];
  const message = 'field is immutable when `immutable` is set';
  const errors: FieldError[] = [];
  if ((object as { immutable?: boolean }).immutable !== true) errors.push(forbidden('immutable', message));
  for (const field of fields) if (!semanticEqual(object[field], old[field])) errors.push(forbidden(field, message));
  return errors;
}
