/** Checks that the table alone can make, in the words that upstream's validation has for them. */
import { notSupported, required, type FieldError } from '../validation/field-error.ts';
import type { Field, StructType, ValueType } from './table.ts';

/**
 * Fields that OpenAPI calls required because Go always writes them, though their zero value is fine. Lists whose own
 * validation speaks of their items, or that may be empty, are here too.
 */
const mayBeEmpty = new Set([
  'core/v1/HTTPHeader.value',
  'core/v1/LimitRangeSpec.limits',
  'core/v1/Sysctl.value',
  'flowcontrol.apiserver.k8s.io/v1/NonResourcePolicyRule.nonResourceURLs',
  'flowcontrol.apiserver.k8s.io/v1/ResourcePolicyRule.apiGroups',
  'flowcontrol.apiserver.k8s.io/v1/ResourcePolicyRule.resources',
  'storage.k8s.io/v1/CSINodeSpec.drivers',
  'storage.k8s.io/v1/TokenRequest.audience',
]);

/**
 * Required fields that are missing and values outside their enum. Metadata and status are left out: the one has its own
 * rules, the other is written by those who know. A kind's own validation may say the same of a field in better words:
 * `withoutRepeats` then keeps those.
 */
export function validateStruct(type: StructType, object: object): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of type.fields) {
    if (type.root && ['kind', 'apiVersion', 'metadata', 'status'].includes(field.name)) continue;
    checkField(type, field, (object as Record<string, unknown>)[field.name], field.name, errors);
  }
  return errors;
}

/**
 * Once each: of errors that say the same of a field (required, not supported) the last, which knows the kind; of others
 * those with other words. Order is kept.
 */
export function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  if (errors.length < 2) return errors;
  const last = new Map(errors.map((error) => [sameness(error), error]));
  return errors.filter((error) => last.get(sameness(error)) === error);
}

const sameness = ({ type, field, body }: FieldError): string =>
  type === 'FieldValueRequired' || type === 'FieldValueNotSupported' ? `${type} ${field}` : `${type} ${field} ${body}`;

/** The fields of a type that can be wrong here, or below which something can. */
const checked = new WeakMap<StructType, readonly Field[]>();

function checkedFields(type: StructType): readonly Field[] {
  let fields = checked.get(type);
  if (!fields) {
    fields = type.fields.filter((field) => field.enum || isRequired(type, field) || !isScalar(field.value));
    checked.set(type, fields);
  }
  return fields;
}

function isScalar(value: ValueType): boolean {
  if (value.kind === 'list') return isScalar(value.items);
  if (value.kind === 'map') return isScalar(value.values);
  return value.kind !== 'struct';
}

const isRequired = (type: StructType, field: Field): boolean =>
  field.required &&
  (field.pointer || field.value.kind === 'string' || field.value.kind === 'list') &&
  !mayBeEmpty.has(`${type.id}.${field.name}`);

function checkStruct(type: StructType, object: Record<string, unknown>, path: string, errors: FieldError[]): void {
  if (type.group === 'meta' && type.name === 'ObjectMeta') return;
  for (const field of checkedFields(type)) checkField(type, field, object[field.name], `${path}.${field.name}`, errors);
}

function checkField(type: StructType, field: Field, value: unknown, path: string, errors: FieldError[]): void {
  const absent = value === undefined || value === null;
  if (absent || value === '' || (Array.isArray(value) && value.length === 0)) {
    if ((absent || !field.pointer) && isRequired(type, field)) errors.push(required(path));
    return;
  }
  if (field.enum && typeof value === 'string') checkEnum(field.enum, value, path, errors);
  else if (field.enum && Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkEnum(field.enum, value[i], `${path}[${i}]`, errors);
  } else if (typeof value === 'object') {
    checkValue(field.value, value, path, errors);
  }
}

function checkEnum(values: readonly string[], value: unknown, path: string, errors: FieldError[]): void {
  if (typeof value === 'string' && !values.includes(value)) errors.push(notSupported(path, value, values));
}

function checkValue(type: ValueType, value: unknown, path: string, errors: FieldError[]): void {
  if (isScalar(type) || typeof value !== 'object' || value === null) return;
  if (type.kind === 'struct') checkStruct(type.struct, value as Record<string, unknown>, path, errors);
  else if (type.kind === 'list') {
    const list = value as readonly unknown[];
    for (let i = 0; i < list.length; i++) checkValue(type.items, list[i], `${path}[${i}]`, errors);
  } else if (type.kind === 'map') {
    for (const key in value)
      checkValue(type.values, (value as Record<string, unknown>)[key], `${path}[${key}]`, errors);
  }
}
