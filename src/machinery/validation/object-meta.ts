/** Rules of metadata that all kinds share (apimachinery api/validation). */
import { goQuote } from '../go-quote.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../meta/object.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from './field-error.ts';
import {
  byteLength,
  isLabelValue,
  isQualifiedName,
  type NameRule,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
} from './formats.ts';

/** Keys and values of all annotations together, bytes. */
export const totalAnnotationSizeLimitBytes = 256 * 1024;

export const immutableMessage = 'field is immutable';

/** None when equal as the API sees it: absent, null and empty collections are the same. */
export function validateImmutable(value: unknown, old: unknown, field: string): FieldError[] {
  return semanticEqual(value, old) ? [] : [invalid(field, value, immutableMessage)];
}

export function validateLabelName(name: string, field: string): FieldError[] {
  return isQualifiedName(name).map((message) => invalid(field, name, message));
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined | null,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...validateLabelName(key, field));
    for (const message of isLabelValue(value)) errors.push(invalid(field, value, message));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined | null,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalid(field, key, message));
    size += byteLength(key) + byteLength(value);
  }
  if (size > totalAnnotationSizeLimitBytes) errors.push(tooLong(field, totalAnnotationSizeLimitBytes));
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const reference of references ?? []) {
    const version = reference.apiVersion?.split('/').pop() ?? '';
    if (version === '' || (reference.apiVersion ?? '').split('/').length > 2)
      errors.push(invalid(`${field}.apiVersion`, reference.apiVersion, 'version must not be empty'));
    for (const part of ['kind', 'name', 'uid'] as const)
      if (!reference[part]) errors.push(invalid(`${field}.${part}`, reference[part] ?? '', 'must not be empty'));
    if (reference.apiVersion === 'v1' && reference.kind === 'Event')
      errors.push(invalid(field, reference, '/v1, Kind=Event is disallowed from being an owner'));
    if (reference.controller !== true) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === '') controller = name;
    else
      errors.push(
        invalid(
          field,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      );
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[] | undefined, field: string): FieldError[] {
  const errors = (finalizers ?? []).flatMap((f) => isQualifiedName(f).map((message) => invalid(field, f, message)));
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, field: string): FieldError[] {
  return (entries ?? []).flatMap((entry, i) => {
    const at = `${field}[${i}]`;
    const errors: FieldError[] = [];
    if (entry.operation !== 'Apply' && entry.operation !== 'Update')
      errors.push(invalid(`${at}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`'));
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1')
      errors.push(invalid(`${at}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'));
    errors.push(...validateFieldManager(entry.manager ?? '', `${at}.manager`));
    if (byteLength(entry.subresource ?? '') > 256) errors.push(tooLong(`${at}.subresource`, 256));
    return errors;
  });
}

/** `fieldManager` of a request, and managers in managedFields. */
export function validateFieldManager(manager: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(manager) > 128) errors.push(tooLong(field, 128));
  let at = 0;
  for (const char of manager) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) {
      const code = `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
      errors.push(invalid(field, manager, `invalid character ${code} (at position ${at})`));
    }
    at += byteLength(char);
  }
  return errors;
}

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** Default: a DNS subdomain. */
  readonly nameRule?: NameRule;
  /** Default: `metadata`. */
  readonly field?: string;
}

/** On create. The name has been generated before. */
export function validateObjectMeta(meta: ObjectMeta, rules: ObjectMetaRules): FieldError[] {
  const field = rules.field ?? 'metadata';
  const nameRule = rules.nameRule ?? nameIsDnsSubdomain;
  const errors: FieldError[] = [];
  if (meta.generateName)
    for (const message of nameRule(meta.generateName, true))
      errors.push(invalid(`${field}.generateName`, meta.generateName, message));
  if (!meta.name) errors.push(required(`${field}.name`, 'name or generateName is required'));
  else for (const message of nameRule(meta.name, false)) errors.push(invalid(`${field}.name`, meta.name, message));
  if (!rules.namespaced) {
    if (meta.namespace) errors.push(forbidden(`${field}.namespace`, 'not allowed on this type'));
  } else if (!meta.namespace) errors.push(required(`${field}.namespace`));
  else
    for (const message of nameIsDnsLabel(meta.namespace, false))
      errors.push(invalid(`${field}.namespace`, meta.namespace, message));
  if ((meta.generation ?? 0) < 0)
    errors.push(invalid(`${field}.generation`, meta.generation, 'must be greater than or equal to 0'));
  errors.push(
    ...validateLabels(meta.labels, `${field}.labels`),
    ...validateAnnotations(meta.annotations, `${field}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${field}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${field}.finalizers`),
    ...validateManagedFields(meta.managedFields, `${field}.managedFields`),
  );
  return errors;
}

/** On update: what may change, and the form of what does. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, field = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((f) => !old.finalizers?.includes(f)).sort();
    if (added.length > 0)
      errors.push(
        forbidden(
          `${field}.finalizers`,
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(goQuote).join(', ')}}`,
        ),
      );
  }
  if (!meta.resourceVersion)
    errors.push(invalid(`${field}.resourceVersion`, meta.resourceVersion ?? '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalid(`${field}.generation`, meta.generation ?? 0, 'must not be decremented'));
  for (const name of ['name', 'namespace', 'uid'] as const)
    errors.push(...validateImmutable(meta[name] ?? '', old[name], `${field}.${name}`));
  for (const name of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const)
    errors.push(...validateImmutable(meta[name], old[name], `${field}.${name}`));
  errors.push(
    ...validateLabels(meta.labels, `${field}.labels`),
    ...validateAnnotations(meta.annotations, `${field}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${field}.ownerReferences`),
    ...validateManagedFields(meta.managedFields, `${field}.managedFields`),
  );
  return errors;
}

/** The kind's rule for names, or the common one. */
export const nameRuleOf = (kind: { validateName?: NameRule } | undefined): NameRule =>
  kind?.validateName ? (name, prefix) => kind.validateName!(name, prefix) : nameIsDnsSubdomain;

/** The whole of it for an object. */
export const validateMetaOf = (object: KubeObject, rules: ObjectMetaRules): FieldError[] =>
  validateObjectMeta(object.metadata, rules);
