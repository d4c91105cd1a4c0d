/** Checks that the table alone can make: enums of typed string fields. */
import { notSupported, type FieldError } from '../validation/field-error.ts';
import type { StructType, ValueType } from './table.ts';

/**
 * Values outside their enum, in upstream's generic words. Absent and empty values are left to the kind's own validation,
 * which knows what is required when.
 */
export function validateStruct(type: StructType, object: object): readonly FieldError[] {
  const errors: FieldError[] = [];
  walkStruct(type, object as Record<string, unknown>, '', errors);
  return errors;
}

function walkStruct(type: StructType, object: Record<string, unknown>, path: string, errors: FieldError[]): void {
  for (const name in object) {
    const field = type.byName.get(name);
    const value = object[name];
    if (!field || value === undefined || value === null) continue;
    const at = path === '' ? name : `${path}.${name}`;
    if (field.enum && typeof value === 'string') {
      if (value !== '' && !field.enum.includes(value)) errors.push(notSupported(at, value, [...field.enum].sort()));
    } else if (typeof value === 'object') {
      walkValue(field.value, value, at, errors);
    }
  }
}

function walkValue(type: ValueType, value: unknown, path: string, errors: FieldError[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (type.kind === 'struct') walkStruct(type.struct, value as Record<string, unknown>, path, errors);
  else if (type.kind === 'list') {
    const list = value as readonly unknown[];
    for (let i = 0; i < list.length; i++) walkValue(type.items, list[i], `${path}[${i}]`, errors);
  } else if (type.kind === 'map') {
    for (const key in value) walkValue(type.values, (value as Record<string, unknown>)[key], `${path}[${key}]`, errors);
  }
}
