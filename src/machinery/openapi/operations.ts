/** Operations as the generator writes them, and as OpenAPI v3 and v2 show them. */
import type { DefinitionSet, GroupVersionKind, Json } from './definitions.ts';

/** [operation id, index into `queries`, type id of the body ('' when none), type id of the answer ('' when none)]. */
export type RawOperation = readonly [string, number, string, string];

export interface RawOperations {
  /** Lists of query parameters: [name, `string`, `boolean` or `number`]. */
  readonly queries: readonly (readonly (readonly [string, string])[])[];
  /** Path with `{name}` parameters -> HTTP verb in lower case -> operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
}

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** The document a path belongs to: `/api/v1/pods` -> `api/v1`, `/apis/apps/v1/` -> `apis/apps/v1`, `/version/` -> `version`. */
export function documentOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] === 'api') return parts.slice(0, 2).join('/');
  if (parts[0] === 'apis') return parts.slice(0, 3).join('/');
  return parts[0] === 'logs' || parts[0] === 'version' ? parts[0] : parts.join('/');
}

/** Group and version of a document, if it is one of an API: `apis/apps/v1`. */
export function groupVersionOf(document: string): { readonly group: string; readonly version: string } | undefined {
  const [root, a = '', b = ''] = document.split('/');
  if (root === 'api' && a) return { group: '', version: a };
  return root === 'apis' && b ? { group: a, version: b } : undefined;
}

/** The part of an operation id that names group and version: `CoreV1`, `RbacAuthorizationV1`. */
function idPart(document: string): string {
  const gv = groupVersionOf(document);
  if (!gv) return '';
  const group = (gv.group || 'core').replace(/\.k8s\.io$/, '');
  return [...group.split('.'), gv.version].map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

const verbs =
  /^(create|delete(?=Collection)|delete|list|patch|read|replace|connect(?:Get|Post|Put|Delete|Options|Head|Patch)|get)(.*)$/;

function actionOf(id: string, verb: string): string | undefined {
  if (id.startsWith('list')) return 'list';
  if (id.startsWith('read')) return 'get';
  if (id.startsWith('deleteCollection')) return 'deletecollection';
  if (id.startsWith('connect')) return 'connect';
  return /^(create|replace|patch|delete)/.test(id) ? verb : undefined;
}

/** One path's item. `kind` is what its operations are about: absent for discovery and the like. */
export function pathItem(
  path: string,
  raw: RawOperations,
  definitions: DefinitionSet,
  form: 'v2' | 'v3',
  kindOf: (path: string) => GroupVersionKind | undefined,
): Json {
  const item: Json = {};
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1]!,
    in: 'path',
    required: true,
    ...typed(form, { type: 'string', uniqueItems: true }),
  }));
  if (inPath.length > 0) item['parameters'] = inPath;
  const document = documentOf(path);
  for (const [verb, [id, query, body, answer]] of Object.entries(raw.paths[path] ?? {})) {
    const action = actionOf(id, verb);
    const kind = action && kindOf(path);
    const named = verbs.exec(id);
    item[verb] = {
      operationId: named ? `${named[1]}${idPart(document)}${named[2]}` : id,
      tags: [
        idPart(document)
          .replace(/V\d.*$/, (v) => `_${v.toLowerCase()}`)
          .replace(/^./, (c) => c.toLowerCase()),
      ].filter(Boolean),
      ...(form === 'v2' ? v2Body(verb, body, definitions) : v3Body(verb, body, definitions)),
      ...parameters(form, raw.queries[query] ?? [], verb, body, definitions),
      responses: responses(form, action, answer, definitions),
      ...(action ? { 'x-kubernetes-action': action } : {}),
      ...(kind ? { 'x-kubernetes-group-version-kind': kind } : {}),
    };
  }
  return item;
}

const typed = (form: 'v2' | 'v3', schema: Json): Json => (form === 'v3' ? { schema } : schema);

function parameters(
  form: 'v2' | 'v3',
  query: readonly (readonly [string, string])[],
  verb: string,
  body: string,
  definitions: DefinitionSet,
): Json {
  const out: Json[] = query.map(([name, type]) => ({
    name,
    in: 'query',
    ...typed(form, { type: type === 'number' ? 'integer' : type, uniqueItems: true }),
  }));
  if (form === 'v2' && body !== '')
    out.unshift({ name: 'body', in: 'body', required: verb !== 'delete', schema: bodySchema(body, definitions) });
  return out.length > 0 ? { parameters: out } : {};
}

const bodySchema = (body: string, definitions: DefinitionSet): Json =>
  body === 'any' ? definitions.handmadeRef('patch') : definitions.ref(body);

function v3Body(verb: string, body: string, definitions: DefinitionSet): Json {
  if (body === '') return {};
  const schema = bodySchema(body, definitions);
  const types = verb === 'patch' ? patchTypes : ['*/*'];
  return {
    requestBody: {
      content: Object.fromEntries(types.map((type) => [type, { schema }])),
      ...(verb === 'delete' ? {} : { required: true }),
    },
  };
}

function v2Body(verb: string, body: string, _definitions: DefinitionSet): Json {
  return {
    consumes: body !== '' && verb === 'patch' ? patchTypes : ['*/*'],
    produces: bodyTypes,
    schemes: ['https'],
  };
}

function responses(form: 'v2' | 'v3', action: string | undefined, answer: string, definitions: DefinitionSet): Json {
  const plain = answer === '' || answer === 'string';
  const types = action === 'list' ? [...bodyTypes, ...streamTypes] : plain ? ['*/*'] : bodyTypes;
  const schema = answer === '' ? undefined : plain ? { type: 'string' } : definitions.ref(answer);
  const answerOf = (description: string): Json => {
    if (!schema) return { description };
    if (form === 'v2') return { description, schema };
    return { description, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
  };
  return {
    '200': answerOf('OK'),
    ...(action === 'post' || action === 'put' || action === 'patch' ? { '201': answerOf('Created') } : {}),
    ...(action === 'post' || action === 'delete' ? { '202': answerOf('Accepted') } : {}),
    '401': { description: 'Unauthorized' },
  };
}
