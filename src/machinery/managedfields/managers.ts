/** Who manages which fields of an object: metadata.managedFields, read and written. */
import type { ManagedFieldsEntry } from '../meta/object.ts';
import { equal, type FieldSet, fieldSetError, isEmpty, nothing, union } from './field-set.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the main resource. */
  readonly subresource: string;
  /** RFC 3339; undefined: not known. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By `managerId`. */
export type Managers = Map<string, Manager>;

type Identity = Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>;

/** Appliers are one across versions; for updates each version counts as a manager of its own. */
export const managerId = ({ name, operation, apiVersion, subresource }: Identity): string =>
  JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource]);

/** What stands for a manager without a name. */
const unnamed = 'unknown';

export const identityOf = (
  name: string,
  operation: Manager['operation'],
  apiVersion: string,
  subresource: string,
): Identity => ({ name: name || unnamed, operation, apiVersion, subresource });

/** Why entries from outside are not valid; undefined when they are. */
export function managedFieldsError(entries: readonly ManagedFieldsEntry[]): string | undefined {
  for (const [i, { operation, apiVersion, fieldsType, fieldsV1 }] of entries.entries()) {
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
    if (!apiVersion) return 'apiVersion must not be empty';
    if (!fieldsType) return `missing fieldsType in managed fields entry ${i}`;
    if (fieldsType !== 'FieldsV1')
      return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${i}`;
    const wrong = fieldsV1 === undefined ? undefined : fieldSetError(fieldsV1);
    if (wrong) return `error decoding set: ${wrong}`;
  }
  return undefined;
}

/** An empty list, or one empty entry: the client wants all of it forgotten. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0);
}

/** `entries` must be valid. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers: Managers = new Map();
  for (const { manager, operation, apiVersion, subresource, time, fieldsV1 } of entries ?? []) {
    const decoded: Manager = {
      name: manager ?? '',
      operation: operation as Manager['operation'],
      apiVersion: apiVersion ?? '',
      subresource: subresource ?? '',
      time,
      fields: (fieldsV1 as FieldSet | undefined) ?? nothing,
    };
    managers.set(managerId(decoded), decoded);
  }
  return managers;
}

/** Appliers first, then by time, name, version, sub-resource. Undefined when there are none. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(inOrder).map(({ name, operation, apiVersion, subresource, time, fields }) => ({
    ...(name === '' ? {} : { manager: name }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(subresource === '' ? {} : { subresource }),
  }));
}

const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const inOrder = (a: Manager, b: Manager): number =>
  byText(a.operation, b.operation) ||
  byText(a.time ?? '', b.time ?? '') ||
  byText(a.name, b.name) ||
  byText(a.apiVersion, b.apiVersion) ||
  byText(a.subresource, b.subresource);

/** A manager has these fields from now on; without any it is none. */
export function setFields(managers: Managers, id: string, manager: Manager, fields: FieldSet): void {
  if (isEmpty(fields)) managers.delete(id);
  else if (fields !== manager.fields || !managers.has(id)) managers.set(id, { ...manager, fields });
}

/** Updates are remembered for this many managers; the oldest beyond them are one. */
const maxUpdateManagers = 10;
const ancientChanges = 'ancient-changes';

/** Merges the oldest updates of each version into one manager until there are few enough. */
export function capManagers(managers: Managers): void {
  const updates = [...managers].filter(([, manager]) => manager.operation === 'Update');
  let count = updates.length;
  if (count <= maxUpdateManagers) return;
  updates.sort(([idA, a], [idB, b]) => byText(a.time ?? '', b.time ?? '') || byText(idA, idB));
  const firstOfVersion = new Map<string, string>();
  for (const [id, manager] of updates) {
    if (count <= maxUpdateManagers) return;
    const bucket = identityOf(ancientChanges, 'Update', manager.apiVersion, '');
    const bucketId = managerId(bucket);
    const first = firstOfVersion.get(manager.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(manager.apiVersion, id);
      continue;
    }
    const merged = managers.get(bucketId) ?? managers.get(first)!;
    if (!managers.has(bucketId)) managers.delete(first);
    managers.set(bucketId, { ...bucket, time: manager.time, fields: union(manager.fields, merged.fields) });
    managers.delete(id);
    count--;
  }
}

/** Whether two lists of entries differ in nothing but times, and in those. */
export function differInTimeOnly(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (!a || !b || a.length !== b.length || a.length === 0) return false;
  let times = false;
  for (const [i, x] of a.entries()) {
    const y = b[i]!;
    if (x.time !== y.time) times = true;
    if (x.manager !== y.manager || x.operation !== y.operation || x.apiVersion !== y.apiVersion) return false;
    if ((x.subresource ?? '') !== (y.subresource ?? '')) return false;
    if (!equal((x.fieldsV1 as FieldSet) ?? nothing, (y.fieldsV1 as FieldSet) ?? nothing)) return false;
  }
  return times;
}
