/**
 * The built-in API: every resource and type of the generated tables. `findResource('apps', 'v1', 'deployments')` says
 * what is served, `schemaOf('apps', 'v1', 'Deployment')` how its objects are read, defaulted and written.
 */
import type { KubeObject } from '../machinery/meta/object.ts';
import type { SchemaLookup } from '../machinery/patch/schema-lookup.ts';
import { Defaulter } from '../machinery/schema/defaults.ts';
import { patchLookup } from '../machinery/schema/patch-lookup.ts';
import type { GroupInfo, ResourceInfo } from '../machinery/schema/resource.ts';
import { Schema } from '../machinery/schema/schema.ts';
import { TypeTable } from '../machinery/schema/table.ts';
import { typeDefaulters } from './defaulters.ts';
import { groups, resources } from './generated/resources.ts';
import { types } from './generated/types.ts';

export const builtinTypes = new TypeTable(types);

/** For strategic merge patches; a type is named by its id, as `schema.type.id`. */
export const builtinPatchLookup: SchemaLookup = patchLookup(builtinTypes);

const defaulter = new Defaulter(builtinTypes, typeDefaulters);
const schemas = new Map<string, Schema>();

/** Id of a type in the table: `core/v1/Pod`. */
export const typeId = (group: string, version: string, kind: string): string => `${group || 'core'}/${version}/${kind}`;

/** Undefined when the built-in API has no such kind. The machinery's own (Status, DeleteOptions, Table) are in every group. */
export function findSchema(group: string, version: string, kind: string): Schema | undefined {
  const id = typeId(group, version, kind);
  const known = schemas.get(id);
  if (known) return known;
  const type = builtinTypes.find(id) ?? builtinTypes.find(`meta/v1/${kind}`);
  if (!type) return undefined;
  const schema = new Schema(type, defaulter);
  schemas.set(id, schema);
  return schema;
}

/** Throws when there is no such kind. */
export function schemaOf<T extends KubeObject = KubeObject>(group: string, version: string, kind: string): Schema<T> {
  const schema = findSchema(group, version, kind);
  if (!schema) throw new Error(`no built-in kind ${kind} in ${group === '' ? version : `${group}/${version}`}`);
  return schema as unknown as Schema<T>;
}

/** Groups in the order of discovery, with their versions, preferred first; also those off by default. */
export const allGroups = (): readonly GroupInfo[] => groups;

/** Every built-in resource; `servedByDefault` says whether it is on without further settings. */
export const allResources = (): readonly ResourceInfo[] => resources;

const byPlural = new Map(
  resources.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]),
);
const byKind = new Map(
  resources.map((resource) => [`${resource.group}/${resource.version}/${resource.kind}`, resource]),
);

export const findResource = (group: string, version: string, plural: string): ResourceInfo | undefined =>
  byPlural.get(`${group}/${version}/${plural}`);

export const findResourceOfKind = (group: string, version: string, kind: string): ResourceInfo | undefined =>
  byKind.get(`${group}/${version}/${kind}`);
