/** Small checks of one value at one field, for the kinds' validation. */
import { semanticEqual } from '../semantic-equal.ts';
import { type FieldError, invalid, required } from './field-error.ts';
import { inclusiveRangeError } from './formats.ts';

export const nonNegativeMessage = 'must be greater than or equal to 0';

/** An absent value is fine. */
export function nonNegative(value: number | bigint | undefined, field: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, nonNegativeMessage)] : [];
}

export function inRange(value: number | undefined, min: number, max: number, field: string): FieldError[] {
  if (value === undefined || (value >= min && value <= max)) return [];
  return [invalid(field, value, inclusiveRangeError(min, max))];
}

/** Required, and of a form. */
export function requiredOf(
  value: string | undefined,
  check: (value: string) => readonly string[],
  field: string,
): FieldError[] {
  return value ? formOf(value, check, field) : [required(field)];
}

/** Of a form, when it is there. */
export function formOf(
  value: string | undefined,
  check: (value: string) => readonly string[],
  field: string,
): FieldError[] {
  return value ? check(value).map((message) => invalid(field, value, message)) : [];
}

/** Fields whose values differ, as the API means it. */
export function changedFields(a: object, b: object): string[] {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((key) => !semanticEqual(left[key], right[key]))
    .sort();
}
