/** Server-side apply: the handler around the field manager. */
import { isJsonSyntaxError } from '../../machinery/codec/json.ts';
import { YamlSyntaxError } from '../../machinery/codec/yaml.ts';
import { configError } from '../../machinery/managedfields/check-config.ts';
import { ApplyConflicts, type Conflict, type FieldManager } from '../../machinery/managedfields/field-manager.ts';
import { pathText } from '../../machinery/managedfields/field-set.ts';
import {
  lastAppliedFields,
  lastAppliedManager,
  updateLastApplied,
} from '../../machinery/managedfields/last-applied.ts';
import {
  decodeManagers,
  managedFieldsError,
  managerId,
  type Managers,
} from '../../machinery/managedfields/managers.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cloneJson } from '../../machinery/patch/json-value.ts';
import { newApplyConflict, newBadRequest, newInvalid, newNotFound } from '../../machinery/status/errors.ts';
import { failure } from '../../machinery/status/status.ts';
import { required } from '../../machinery/validation/field-error.ts';
import type { RequestContext } from '../request-context.ts';
import { setManagers } from '../registry/field-management.ts';
import { ObjectStore, type WriteResult } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import { checkName, checkNamespace, parseDocument, type ParsedBody, toObject } from './body.ts';
import type { WriteQuery } from './options.ts';
import { scopeOf } from './write.ts';
import { timeText } from '../../machinery/meta/time.ts';

export const applyMediaType = 'application/apply-patch+yaml';

export async function applyObject(context: RequestContext, served: Served, query: WriteQuery): Promise<WriteResult> {
  const { resource, services } = served;
  const { name, subresource } = context.info;
  const config = readApplyConfig(context, query, resource);
  const manager = served.fieldManager(subresource);
  const scope = { ...scopeOf(context, served, query.dryRun), fieldManager: null, createIfAbsent: subresource === '' };
  return new ObjectStore(served).update(scope, name, (current) => {
    if (!current && subresource !== '') throw newNotFound({ group: resource.group, resource: resource.plural }, name);
    const time = timeText(services.clock.now());
    const applied = applyConfig(manager, current?.object, config, query, time);
    let object: KubeObject;
    if (applied.changed === undefined) object = current!.copy();
    else {
      const body = { value: cloneJson(applied.changed), duplicates: [], strictErrors: [] };
      object = toObject(body, resource, query.fieldValidation, context.warnings);
      resource.schema.applyDefaults(object);
    }
    setManagers(object, applied.managers);
    if (query.fieldManager === lastAppliedManager) updateLastApplied(object, config);
    checkNamespace(object, scope.namespace);
    checkName(object, name);
    return object;
  });
}

export interface Applied {
  /** Undefined: the live object stays as it is. */
  readonly changed: unknown;
  readonly managers: Managers;
}

/** Throws StatusError 409 with a cause for each field that others own. */
export function applyConfig(
  manager: FieldManager,
  live: KubeObject | undefined,
  config: KubeObject,
  query: WriteQuery,
  time: string,
): Applied {
  const wrong = configError(config, manager.shape);
  if (wrong) {
    const { apiVersion, kind, metadata } = config;
    const [inNamespace, name] = [metadata.namespace, metadata.name].map((text) =>
      typeof text === 'string' ? text : '',
    );
    const what = `${inNamespace}/${name}; ${apiVersion}, Kind=${kind}`;
    throw failure(500, undefined, `failed to create typed patch object (${what}): ${wrong}`);
  }
  const entries = live?.metadata.managedFields ?? [];
  const invalid = managedFieldsError(entries);
  if (invalid) throw failure(500, undefined, `failed to decode managed fields: ${invalid}`);
  const managers = decodeManagers(entries);
  const { fieldManager: name, force } = query;
  const mayTake =
    name === lastAppliedManager && live ? () => lastAppliedFields(live, manager.apiVersion, manager.shape) : undefined;
  try {
    const base = live && withoutManagers(live);
    const changed = manager.apply({ live: base, config, managers, name, time, force, mayTake });
    // A new object is written even when the configuration says nothing.
    return { changed: changed ?? (live ? undefined : config), managers };
  } catch (error) {
    if (error instanceof ApplyConflicts) throw conflictError(error.conflicts);
    throw error;
  }
}

function withoutManagers(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** The configuration as JSON. Throws StatusError 400, 422. */
export function readApplyConfig(
  context: RequestContext,
  query: WriteQuery,
  expected: { readonly apiVersion: string; readonly kind: string },
): KubeObject {
  if (query.fieldManager === '')
    throw newInvalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      required('fieldManager', 'is required for apply patch'),
    ]);
  const { value, strictErrors } = parseConfig(context, query);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw newBadRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`,
    );
  const config = value as KubeObject;
  if (strictErrors.length > 0 && query.fieldValidation === 'Strict')
    throw newBadRequest(`error strict decoding YAML: error converting YAML to JSON: ${strictErrors.join('\n')}`);
  if (query.fieldValidation === 'Warn')
    for (const error of strictErrors) context.warnings.push(...error.replace(yamlErrorsHead, '').split('\n  '));
  const { apiVersion = '', kind = '' } = config;
  if (apiVersion !== expected.apiVersion || kind !== expected.kind)
    throw newBadRequest(
      `invalid object type: ${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`,
    );
  config.metadata ??= {};
  if ((config.metadata.managedFields ?? null) !== null) throw newBadRequest('metadata.managedFields must be nil');
  return config;
}

const yamlErrorsHead = /^yaml: unmarshal errors:\n {2}/;

function goKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value;
}

/**
 * JSON is YAML, but exact and fast when read as what it is. What is wrong with it as JSON (a comma too many) may be right
 * as YAML, and what is wrong then is said of it as YAML.
 */
function parseConfig(context: RequestContext, query: WriteQuery): ParsedBody {
  const bytes = context.request.body ?? new Uint8Array(0);
  if (bytes[0] === 0x7b) {
    try {
      const parsed = parseDocument(bytes, 'json', query.fieldValidation !== 'Ignore');
      if (parsed.duplicates.length === 0) return parsed;
    } catch (error) {
      if (!isJsonSyntaxError(error)) throw error;
    }
  }
  try {
    return parseDocument(bytes, 'yaml', true);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw newBadRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}

function conflictError(conflicts: readonly Conflict[]) {
  const named = [...conflicts]
    .sort((a, b) => (managerId(a.manager) < managerId(b.manager) ? -1 : 1))
    .map((conflict) => ({ who: managerText(conflict), field: pathText(conflict.path) }));
  const causes = named.map(({ who, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field,
  }));
  const [first] = named;
  if (named.length === 1)
    return newApplyConflict(causes, `Apply failed with 1 conflict: conflict with ${first!.who}: ${first!.field}`);
  const lines = [...new Set(named.map(({ who }) => who))].flatMap((who) => [
    `conflicts with ${who}:`,
    ...named.filter((conflict) => conflict.who === who).map(({ field }) => `- ${field}`),
  ]);
  return newApplyConflict(causes, `Apply failed with ${named.length} conflicts: ${lines.join('\n')}`);
}

function managerText({ manager: { name, subresource, operation, apiVersion } }: Conflict): string {
  const who = `${JSON.stringify(name)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}
