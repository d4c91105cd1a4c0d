/**
 * Server-side apply. Ownership is kept for appliers: what a manager applied is recorded, fields it no longer names are
 * removed unless another applier names them too, and a field that another applier holds with another value is a
 * conflict, unless forced. Plain writes take no ownership yet: they neither cause conflicts nor lose fields.
 */
import { builtinTypes } from '../../../apis/scheme.ts';
import { isJsonSyntaxError } from '../../../machinery/codec/json.ts';
import { YamlSyntaxError } from '../../../machinery/codec/yaml.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../../machinery/meta/object.ts';
import { jsonEqual } from '../../../machinery/patch/json-value.ts';
import {
  newApplyConflict,
  newBadRequest,
  newInvalid,
  newNotFound,
  newUnsupportedMediaType,
} from '../../../machinery/status/errors.ts';
import { required } from '../../../machinery/validation/field-error.ts';
import type { RequestContext } from '../../request-context.ts';
import { timeText } from '../../registry/metadata.ts';
import { ObjectStore, type WriteResult } from '../../registry/object-store.ts';
import type { Served } from '../../registry/served.ts';
import { checkName, checkNamespace, parseDocument, type ParsedBody, toObject } from '../body.ts';
import { patchMediaTypes } from '../negotiate.ts';
import type { WriteQuery } from '../options.ts';
import { scopeOf } from '../write.ts';
import {
  commonLeaves,
  difference,
  type FieldSet,
  fieldsOf,
  pathText,
  type Shape,
  shapeOfStruct,
  union,
  without,
} from './field-set.ts';
import { mergeConfig, removeFields, valueAt } from './merge.ts';

export const applyMediaType = 'application/apply-patch+yaml';

/** Of the metadata these are never owned: they are the object's identity, or the server's. */
const notOwned: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    'f:name': {},
    'f:namespace': {},
    'f:uid': {},
    'f:resourceVersion': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:generation': {},
    'f:managedFields': {},
  },
};

export async function applyObject(context: RequestContext, served: Served, query: WriteQuery): Promise<WriteResult> {
  const { resource, services } = served;
  if (query.fieldManager === '')
    throw newInvalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      required('fieldManager', 'is required for apply patch'),
    ]);
  const type = resource.schema.patchType === undefined ? undefined : builtinTypes.find(resource.schema.patchType);
  if (!type) throw newUnsupportedMediaType(patchMediaTypes.filter((t) => t !== applyMediaType));
  const shape = shapeOfStruct(type);
  const body = readConfig(context, query);
  const config = body.value as KubeObject;
  const { name, subresource } = context.info;
  const scope = { ...scopeOf(context, served, query.dryRun), managesFields: true, createIfAbsent: subresource === '' };
  const applied = strip(fieldsOf(config, shape));

  return new ObjectStore(served).update(scope, name, (current) => {
    if (!current && subresource !== '') throw newNotFound({ group: resource.group, resource: resource.plural }, name);
    const live = current?.object;
    const entries = live?.metadata.managedFields ?? [];
    const mine = entries.find((e) => isMine(e, query.fieldManager, subresource));
    let others = entries.filter((e) => e !== mine);
    const conflicts = live ? findConflicts(live, config, applied, others, shape) : [];
    if (conflicts.length > 0 && !query.force) throw conflictError(conflicts);
    others = others.map((entry) => release(entry, conflicts)).filter((entry) => entry.fieldsV1 !== undefined);
    const kept = others.reduce((set, entry) => union(set, setOf(entry)), applied);
    let merged: unknown = mergeConfig(live, config, shape);
    const dropped = mine ? difference(setOf(mine), kept) : {};
    if (Object.keys(dropped).length > 0) merged = removeFields(merged, dropped, shape);
    const object = toObject(
      { value: structuredClone(merged), duplicates: body.duplicates, strictErrors: body.strictErrors },
      resource,
      query.fieldValidation,
      context.warnings,
    );
    resource.schema.applyDefaults(object);
    checkNamespace(object, scope.namespace);
    checkName(object, name);
    const sameFields = mine !== undefined && jsonEqual(mine.fieldsV1, applied);
    const entry: ManagedFieldsEntry = {
      manager: query.fieldManager,
      operation: 'Apply',
      apiVersion: resource.apiVersion,
      time: sameFields && mine.time ? mine.time : timeText(services.clock.now()),
      fieldsType: 'FieldsV1',
      fieldsV1: applied,
      ...(subresource === '' ? {} : { subresource }),
    };
    object.metadata.managedFields = [...others, entry];
    return object;
  });
}

/** JSON is YAML, but exact and fast when read as what it is. */
function readConfig(context: RequestContext, query: WriteQuery): ParsedBody {
  const bytes = context.request.body ?? new Uint8Array(0);
  let body: ParsedBody;
  try {
    body = parseDocument(bytes, bytes[0] === 0x7b ? 'json' : 'yaml', query.fieldValidation !== 'Ignore');
  } catch (error) {
    if (!isJsonSyntaxError(error) && !(error instanceof YamlSyntaxError)) throw error;
    throw newBadRequest(`error decoding YAML: ${error.message}`);
  }
  const { value } = body;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw newBadRequest('error decoding YAML: the configuration must be an object');
  const managedFields = (value as { metadata?: { managedFields?: unknown } }).metadata?.managedFields;
  if (Array.isArray(managedFields) && managedFields.length > 0)
    throw newBadRequest('metadata.managedFields must be nil');
  return body;
}

const strip = (set: FieldSet): FieldSet => difference(set, notOwned);

const setOf = (entry: ManagedFieldsEntry): FieldSet => (entry.fieldsV1 ?? {}) as FieldSet;

const isMine = (entry: ManagedFieldsEntry, manager: string, subresource: string) =>
  entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === subresource;

interface Conflict {
  readonly entry: ManagedFieldsEntry;
  readonly path: readonly string[];
}

/** Fields that another applier holds and that the configuration would change. */
function findConflicts(
  live: KubeObject,
  config: unknown,
  applied: FieldSet,
  others: readonly ManagedFieldsEntry[],
  shape: Shape,
): Conflict[] {
  const conflicts: Conflict[] = [];
  for (const entry of others)
    for (const path of commonLeaves(applied, setOf(entry)))
      if (!jsonEqual(valueAt(live, path, shape), valueAt(config, path, shape))) conflicts.push({ entry, path });
  return conflicts;
}

function conflictError(conflicts: readonly Conflict[]) {
  const causes = conflicts.map(({ entry, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${JSON.stringify(entry.manager ?? '')}`,
    field: pathText(path),
  }));
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  const managers = [...new Set(causes.map((cause) => cause.message))];
  const lists = managers.map((message) => {
    const fields = causes.filter((cause) => cause.message === message).map((cause) => cause.field);
    return fields.length === 1 ? `${message}: ${fields[0]}` : `${message}:\n- ${fields.join('\n- ')}`;
  });
  return newApplyConflict(causes, `Apply failed with ${count}: ${lists.join('\n')}`);
}

/** What is left to a manager whose fields were taken by force; `fieldsV1` undefined when nothing is. */
function release(entry: ManagedFieldsEntry, conflicts: readonly Conflict[]): ManagedFieldsEntry {
  const taken = conflicts.filter((conflict) => conflict.entry === entry).map((conflict) => conflict.path);
  if (taken.length === 0) return entry;
  const left = without(setOf(entry), taken);
  return { ...entry, fieldsV1: Object.keys(left).length === 0 ? undefined : left };
}
