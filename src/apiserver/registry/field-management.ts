/** Field management of served resources: the machinery of managedfields/ with what a resource knows of itself. */
import { FieldManager, type Typed } from '../../machinery/managedfields/field-manager.ts';
import {
  decodeManagers,
  differInTimeOnly,
  encodeManagers,
  isReset,
  managedFieldsError,
  type Managers,
} from '../../machinery/managedfields/managers.ts';
import { canonical, type FieldSet } from '../../machinery/managedfields/field-set.ts';
import { deduced } from '../../machinery/managedfields/shape.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../machinery/meta/object.ts';
import { cloneJson, jsonEqual } from '../../machinery/patch/json-value.ts';
import type { RequestContext } from '../request-context.ts';
import { resetFilter } from './reset-fields.ts';
import type { Resource } from './resource.ts';

/** `siblings`: the versions of the resource, which share a storage. */
export function fieldManagerOf(resource: Resource, subresource: string, siblings: readonly Resource[]): FieldManager {
  const { apiVersion, kind, schema } = resource;
  let empty: KubeObject | undefined;
  return new FieldManager({
    apiVersion,
    subresource,
    shape: schema.shape ?? deduced,
    empty() {
      empty ??= { ...schema.normalize({}).object, apiVersion, kind };
      return empty;
    },
    filter: resetFilter(resource, subresource, schema.patchType === undefined),
    convert: siblings.length > 1 ? (object, to) => converted(object, resource, to, siblings) : undefined,
  });
}

/** Through the stored version. `object` is of `from`'s version, or of one that it was converted to. */
function converted(object: unknown, from: Resource, to: string, siblings: readonly Resource[]): Typed | undefined {
  const target = siblings.find((sibling) => sibling.apiVersion === to);
  if (!target) return undefined;
  const given = (object as KubeObject).apiVersion;
  const source = siblings.find((sibling) => sibling.apiVersion === given) ?? from;
  const shape = target.schema.shape ?? deduced;
  if (source === target) return { object, shape };
  let copy = cloneJson(object) as KubeObject;
  copy = source.storage?.conversion?.toStorage(copy) ?? copy;
  copy = target.storage?.conversion?.fromStorage(copy) ?? copy;
  return { object: { ...copy, apiVersion: target.apiVersion, kind: target.kind }, shape };
}

/** As many bytes of UTF-8 as a manager's name may have. */
const maxManagerBytes = 128;

/** Who writes: the manager that the request names, or the first word of its user agent. '' when it says neither. */
export function fieldManagerName(context: RequestContext, fieldManager: string): string {
  if (fieldManager !== '') return fieldManager;
  const word = (context.request.headers['user-agent'] ?? '').split('/')[0]!;
  if (word.length < maxManagerBytes / 4 && /^[ -~]*$/.test(word)) return word;
  let name = '';
  let bytes = 0;
  for (const char of word) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) continue;
    bytes += new TextEncoder().encode(char).length;
    if (bytes > maxManagerBytes) break;
    name += char;
  }
  return name;
}

export function setManagers(object: KubeObject, managers: Managers): void {
  const entries = encodeManagers(managers);
  if (entries) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
}

/** Ownership stays as it is stored, whatever the object says. */
export function keepManagedFields(object: KubeObject, old: KubeObject | undefined): void {
  const kept = old?.metadata.managedFields;
  if (kept === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = kept;
}

/** What a create or an update changed becomes `name`'s. An object without managers is not tracked until it is applied. */
export function trackUpdate(
  manager: FieldManager,
  object: KubeObject,
  old: KubeObject | undefined,
  name: string,
  time: string,
): void {
  const stored = old?.metadata.managedFields;
  const managers = decodeManagers(manager.subresource === '' ? chosen(object.metadata.managedFields, stored) : stored);
  delete object.metadata.managedFields;
  if (old && managers.size === 0) return;
  manager.update(old, object, managers, name, time);
  setManagers(object, managers);
}

/** The client may edit what is recorded, or have it forgotten; what cannot be read of its entries counts as absent. */
function chosen(
  given: readonly ManagedFieldsEntry[] | undefined,
  stored: readonly ManagedFieldsEntry[] | undefined,
): readonly ManagedFieldsEntry[] | undefined {
  if (isReset(given)) return undefined;
  if (given === undefined || (stored && identical(given, stored))) return stored;
  if (managedFieldsError(given)) return stored;
  return given.map((entry) => ({ ...entry, fieldsV1: canonical((entry.fieldsV1 ?? {}) as FieldSet) }));
}

/** Equal, and in the same order: what most clients send back. */
function identical(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  if (keysA.length !== keysB.length) return false;
  for (let i = 0; i < keysA.length; i++) {
    const key = keysA[i]!;
    if (key !== keysB[i] || !identical((a as Fields)[key], (b as Fields)[key])) return false;
  }
  return true;
}

type Fields = Record<string, unknown>;

/** A write that changes nothing but the times of managers changes nothing: they stay as they were. */
export function keepTimes(object: KubeObject, old: KubeObject): void {
  const before = old.metadata.managedFields;
  if (before && differInTimeOnly(object.metadata.managedFields, before) && sameButManagers(object, old))
    object.metadata.managedFields = before;
}

function sameButManagers(object: KubeObject, old: KubeObject): boolean {
  const { metadata, ...rest } = object;
  const { metadata: oldMetadata, ...oldRest } = old;
  const { managedFields: _a, resourceVersion: _b, ...meta } = metadata;
  const { managedFields: _c, resourceVersion: _d, ...oldMeta } = oldMetadata;
  return jsonEqual(meta, oldMeta) && jsonEqual(rest, oldRest);
}
