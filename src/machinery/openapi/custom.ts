/** What a version of a custom resource adds to the documents: its definition, that of its list, and its paths. */
import { type JsonSchema, valuesSchema } from '../structural/json-schema.ts';
import type { DefinitionSet, Descriptions, Json } from './definitions.ts';
import { pathItem, type RawOperation, type RawOperations } from './operations.ts';

export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly schema: JsonSchema | undefined;
  readonly status: boolean;
  readonly scale: boolean;
  /** JSON paths: `.spec.color`. */
  readonly selectableFields: readonly string[];
}

/** `example.com`, `v1`, `Foo` -> `com.example.v1.Foo`. */
const modelName = (group: string, version: string, kind: string): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

const objectMeta = 'meta/v1/ObjectMeta';
const listMeta = 'meta/v1/ListMeta';
/** A built-in kind whose operations take the parameters that all operations of that kind take. */
const template = '/apis/batch/v1/namespaces/{namespace}/cronjobs';
/** Its fields kind, apiVersion and metadata are described as everywhere. */
const describedLike = 'batch/v1/CronJob';

/** The paths of one kind, as rows of the table of operations. */
export function customOperations(custom: CustomKind, raw: RawOperations): RawOperations['paths'] {
  const { group, version, kind, plural, namespaced } = custom;
  const own = `custom:${modelName(group, version, kind)}`;
  const list = `custom:${modelName(group, version, custom.listKind)}`;
  const query = (path: string, verb: string): number => raw.paths[path]?.[verb]?.[1] ?? 0;
  const at = {
    list: query(template, 'get'),
    create: query(template, 'post'),
    deleteAll: query(template, 'delete'),
    read: query(`${template}/{name}`, 'get'),
    replace: query(`${template}/{name}`, 'put'),
    patch: query(`${template}/{name}`, 'patch'),
    delete: query(`${template}/{name}`, 'delete'),
  };
  const scope = namespaced ? 'Namespaced' : '';
  const root = `/apis/${group}/${version}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
  const object = (subresource: string, type: string): Record<string, RawOperation> => ({
    get: [`read${scope}${kind}${subresource}`, at.read, '', type],
    put: [`replace${scope}${kind}${subresource}`, at.replace, type, type],
    patch: [`patch${scope}${kind}${subresource}`, at.patch, 'any', type],
  });
  return {
    [root]: {
      get: [`list${scope}${kind}`, at.list, '', list],
      post: [`create${scope}${kind}`, at.create, own, own],
      delete: [`deleteCollection${scope}${kind}`, at.deleteAll, 'meta/v1/DeleteOptions', 'meta/v1/Status'],
    },
    [`${root}/{name}`]: {
      ...object('', own),
      delete: [`delete${scope}${kind}`, at.delete, 'meta/v1/DeleteOptions', 'meta/v1/Status'],
    },
    ...(custom.status ? { [`${root}/{name}/status`]: object('Status', own) } : {}),
    ...(custom.scale ? { [`${root}/{name}/scale`]: object('Scale', 'autoscaling/v1/Scale') } : {}),
    ...(namespaced
      ? {
          [`/apis/${group}/${version}/${plural}`]: {
            get: [`list${kind}ForAllNamespaces`, at.list, '', list] as RawOperation,
          },
        }
      : {}),
  };
}

/** Adds the definitions of one kind to the set; returns its path items. */
export function addCustomKind(
  custom: CustomKind,
  form: 'v2' | 'v3',
  raw: RawOperations,
  descriptions: Descriptions,
  set: DefinitionSet,
): Json {
  const { group, version, kind, listKind, plural } = custom;
  const [, described] = descriptions[describedLike] ?? ['', {}];
  const typeMeta: Json = {
    apiVersion: { description: described['apiVersion'] ?? '', type: 'string' },
    kind: { description: described['kind'] ?? '', type: 'string' },
  };
  const selectable =
    custom.selectableFields.length === 0
      ? {}
      : {
          'x-kubernetes-selectable-fields': custom.selectableFields.map((path) => ({
            fieldPath: path.replace(/^\./, ''),
          })),
        };
  const name = modelName(group, version, kind);
  // In v3 a reference with anything beside it stands in an allOf.
  const withText = (ref: Json, description: string): Json =>
    form === 'v3' ? { description, allOf: [ref] } : { description, ...ref };
  const metadata = withText(set.ref(objectMeta), described['metadata'] ?? '');
  set.definitions[name] = {
    ...objectDefinition(custom.schema, form, typeMeta, metadata),
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
    ...selectable,
  };
  set.definitions[modelName(group, version, listKind)] = {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta,
      items: { description: `Objects of ${plural}.`, type: 'array', items: set.ref(`custom:${name}`) },
      metadata: withText(set.ref(listMeta), 'Metadata of the list.'),
    },
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
    ...selectable,
  };
  const paths = customOperations(custom, raw);
  const items: Json = {};
  for (const path of Object.keys(paths))
    items[path] = pathItem(path, { queries: raw.queries, paths }, set, form, () => ({ group, version, kind }));
  return items;
}

function objectDefinition(schema: JsonSchema | undefined, form: 'v2' | 'v3', typeMeta: Json, metadata: Json): Json {
  if (!schema || (form === 'v2' && schema['x-kubernetes-preserve-unknown-fields'])) return { type: 'object' };
  const out = published(schema, form, typeMeta, metadata);
  return { ...out, properties: { ...(out['properties'] as Json | undefined), ...typeMeta, metadata } };
}

const intOrString = [{ type: 'integer' }, { type: 'string' }];
const alternatives: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'not']);

/**
 * The schema as it is published. v2 has no alternatives and no null, and kubectl must not take what it does not see for
 * unknown: nullable and preserved parts say nothing of what is in them.
 */
function published(schema: JsonSchema, form: 'v2' | 'v3', typeMeta: Json, metadata: Json): Json {
  const v2 = form === 'v2';
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const opaque = v2 && (schema.nullable === true || open);
  const out: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (v2 && (alternatives.has(key) || key === 'nullable')) continue;
    if (opaque && (key === 'items' || key === 'properties')) continue;
    out[key] = value;
  }
  if (opaque && (schema.nullable || schema.type === 'object' || schema.type === 'array')) delete out['type'];
  if (schema['x-kubernetes-int-or-string'] && !v2 && !schema.anyOf && !schema.allOf) out['anyOf'] = intOrString;
  const { properties = {}, items } = schema;
  if (!opaque && items) out['items'] = published(items, form, typeMeta, metadata);
  const values = valuesSchema(schema);
  if (values) out['additionalProperties'] = published(values, form, typeMeta, metadata);
  if (!opaque && schema.properties)
    out['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, published(one, form, typeMeta, metadata)]),
    );
  if (v2 && schema.required) {
    const required = schema.required.filter((name) => !properties[name]?.nullable);
    if (required.length > 0 && values?.nullable !== true) out['required'] = required;
    else delete out['required'];
  }
  if (schema['x-kubernetes-embedded-resource'] && !(v2 && open)) {
    out['properties'] = { ...(out['properties'] as Json | undefined), ...typeMeta, metadata };
    out['required'] = [...new Set([...((out['required'] as string[] | undefined) ?? []), 'kind', 'apiVersion'])];
  }
  return out;
}
