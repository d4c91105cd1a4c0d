// Joins what the packages and the fact tables say of each API type into the table the product loads.
//
// A type's id is `group/version/GoName` (`core/v1/Pod`, `meta/v1/ObjectMeta`); a field's type is an expression:
//   s string, b boolean, i32, i64, f64, bytes (base64), time, microTime, duration, quantity, intOrString, any (free
//   JSON), #id a struct, []X a list, {}X a map from strings. See src/machinery/schema/table.ts, which reads it.

/** Models whose name leaves the group open or wrong. */
const modelIds = {
  VersionInfo: 'version/Info',
  V1GroupResource: 'meta/v1/GroupResource',
  V1Preconditions: 'meta/v1/Preconditions',
};
const modelGroups = {
  Admissionregistration: 'admissionregistration.k8s.io',
  Apiextensions: 'apiextensions.k8s.io',
  Apiregistration: 'apiregistration.k8s.io',
  Authentication: 'authentication.k8s.io',
  Core: 'core',
  Discovery: 'discovery.k8s.io',
  Events: 'events.k8s.io',
  Flowcontrol: 'flowcontrol.apiserver.k8s.io',
  Rbac: 'rbac.authorization.k8s.io',
  Resource: 'resource.k8s.io',
  Storage: 'storage.k8s.io',
};

/** client-node's model name -> type id. Throws where the name fits no struct or several. */
export function modelNames(models, structs) {
  const byName = {};
  for (const id of Object.keys(structs)) {
    const [, version, name] = id.split('/');
    (byName[`${version}/${name}`] ??= []).push(id);
  }
  const ids = {};
  for (const model of Object.keys(models)) {
    const match = model.match(/^(?:([A-Z][a-z]+?))?(V\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)$/);
    let found = match ? (byName[`${match[2].toLowerCase()}/${match[3]}`] ?? []) : [];
    if (match?.[1]) found = found.filter((id) => id.startsWith(`${modelGroups[match[1]]}/`));
    if (found.length > 1) {
      const fields = Object.keys(models[model].fields).sort().join();
      found = found.filter((id) => fieldNames(structs, id).sort().join() === fields);
    }
    const id = modelIds[model] ?? found[0];
    if (!id || (found.length > 1 && !modelIds[model]))
      throw new Error(`model ${model} fits ${found.join() || 'nothing'}`);
    ids[model] = id;
  }
  return ids;
}

const fieldNames = (structs, id) => flatten(structs, id).map((field) => field.name);

/** A struct's fields in Go's order, embedded ones in their place. */
export function flatten(structs, id) {
  const out = [];
  for (const entry of structs[id] ?? []) {
    const [name, go, flags] = entry.split('|');
    if (name !== '') out.push({ name, go, flags });
    else out.push(...flatten(structs, structId(structs, id, go)));
  }
  return out;
}

/** The struct that Go type `go` names when written in the package of `id`. */
function structId(structs, id, go) {
  const name = go.split('.').at(-1);
  const here = id.slice(0, id.lastIndexOf('/') + 1);
  const candidates = [`${here}${name}`, `${here.split('/')[0]}/v1/${name}`, `core/v1/${name}`, `meta/v1/${name}`];
  // `v1.ObjectMeta` written in a package v1 may be its own or meta's; its own wins, as nothing shadows otherwise.
  return candidates.find((candidate) => candidate in structs);
}

const goScalars = {
  string: 's',
  bool: 'b',
  int: 'i64',
  int32: 'i32',
  int64: 'i64',
  float64: 'f64',
  'v1.Time': 'time',
  'v1.MicroTime': 'microTime',
  'v1.Duration': 'duration',
  'v1.FieldsV1': 'any',
  'v1.JSON': 'any',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intOrString',
  'runtime.RawExtension': 'any',
  'types.UID': 's',
};

/** Expression of a Go type, for types no package models. Named types that are not structs are strings. */
function goExpression(structs, id, go) {
  if (go.startsWith('*')) return goExpression(structs, id, go.slice(1));
  if (go === '[]uint8') return 'bytes';
  if (go.startsWith('[]')) return `[]${goExpression(structs, id, go.slice(2))}`;
  const map = go.match(/^map\[[\w.]+\](.*)$/);
  if (map) return `{}${goExpression(structs, id, map[1])}`;
  if (go in goScalars) return goScalars[go];
  if (go === 'v1.ResourceList') return '{}quantity';
  if (go === 'v1.ExtraValue') return '[]s';
  if (go.startsWith('interface')) return 'any';
  const struct = structId(structs, id, go);
  return struct ? `#${struct}` : 's';
}

/** Expression of a client-node type. */
function modelExpression(type, format, ids) {
  const list = type.match(/^Array<(.*)>$/);
  if (list) return format === 'byte' ? 'bytes' : `[]${modelExpression(list[1], format, ids)}`;
  const map = type.match(/^\{ \[key: string\]: (.*); \}$/);
  if (map) return `{}${modelExpression(map[1], format, ids)}`;
  switch (type) {
    case 'string':
      return format === 'byte' ? 'bytes' : 's';
    case 'boolean':
      return 'b';
    case 'number':
      return format === 'int32' ? 'i32' : format === 'int64' ? 'i64' : 'f64';
    case 'Date':
      return 'time';
    case 'V1MicroTime':
      return 'microTime';
    case 'IntOrString':
      return 'intOrString';
    case 'any':
    case 'object':
      return 'any';
    default:
      if (!(type in ids)) throw new Error(`no type for '${type}'`);
      return `#${ids[type]}`;
  }
}

/** What models call a string and Go gives a meaning of its own. */
function refine(expression, go) {
  const leaf = go.replace(/^(?:\*|\[\]|map\[[\w.]+\])*/, '');
  if (leaf === 'resource.Quantity' || leaf === 'v1.ResourceList') return expression.replace(/s$/, 'quantity');
  if (leaf === 'v1.Duration') return expression.replace(/s$/, 'duration');
  return expression;
}

/** Types no package models, but that the server reads or writes. */
const extraTypes = [
  ...['ListOptions', 'GetOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions', 'DeleteOptions'],
  ...['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList', 'WatchEvent', 'GroupVersionKind', 'List'],
].map((name) => `meta/v1/${name}`);
extraTypes.push(
  ...['PodExecOptions', 'PodAttachOptions', 'PodLogOptions', 'PodPortForwardOptions', 'PodProxyOptions'],
  ...['NodeProxyOptions', 'ServiceProxyOptions', 'RangeAllocation'],
);

const isRoot = (fields) => fields[0]?.name === 'kind' && fields[1]?.name === 'apiVersion';

/**
 * The table: id -> { fields: [{ name, type, go, omitEmpty, omitZero, pointer, required, enum, ... }], root }, and
 * descriptions: id -> [of the type, field -> text].
 */
export function joinTypes({ models, interfaces, structs, overlay, defaults }) {
  const ids = modelNames(models, structs);
  for (const [id, fields] of Object.entries(defaults)) {
    const known = flatten(structs, id).map((field) => field.name);
    for (const name of Object.keys(fields))
      if (!known.includes(name)) throw new Error(`data/defaults.json: ${id} has no field ${name}`);
  }
  const types = {};
  const descriptions = {};
  const siblings = {};
  for (const [model, id] of Object.entries(ids)) {
    if (id === 'meta/v1/MicroTime') continue;
    const { fields, description } = models[model];
    const known = interfaces[interfaceName(id)] ?? {};
    const go = flatten(structs, id);
    const texts = {};
    const out = [];
    for (const { name, go: goType, flags } of go) {
      const field = fields[name];
      if (!field) continue; // known to Go, not published: never seen on the wire by clients
      const text = (known[name]?.enum && known[name].description) || field.description || known[name]?.description;
      if (text) texts[name] = text;
      if (text) siblings[`${id.split('/').at(-1)}.${name}`] ??= text;
      const type = refine(modelExpression(field.type, field.format, ids), goType);
      out.push(joinField(id, { name, type, go: goType, flags, required: field.required, enum: known[name]?.enum }));
    }
    for (const name of Object.keys(fields)) {
      if (!go.some((field) => field.name === name)) throw new Error(`${id}.${name} is in no struct`);
    }
    types[id] = { fields: out, root: isRoot(out), mapType: overlay.types[id]?._type?.structType };
    descriptions[id] = [description, texts];
  }
  for (const id of Object.keys(types)) {
    const texts = descriptions[id][1];
    for (const { name, type } of types[id].fields) {
      const text = siblings[`${id.split('/').at(-1)}.${name}`] ?? descriptions[type.replace(/^[^#]*#/, '')]?.[0];
      if (!texts[name] && text) texts[name] = text;
    }
  }
  const pending = extraTypes.map((id) => (id.includes('/') ? id : `core/v1/${id}`));
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (id in types) continue;
    if (!(id in structs)) throw new Error(`no struct ${id}`);
    const fields = flatten(structs, id).map(({ name, go, flags }) =>
      joinField(id, { name, go, flags, type: goExpression(structs, id, go), required: flags === '' }),
    );
    types[id] = { fields, root: isRoot(fields) };
    for (const { type } of fields) if (type.includes('#')) pending.push(type.replace(/^[^#]*#/, ''));
  }
  return { types: sorted(types), descriptions: sorted(descriptions), ids };

  function joinField(id, field) {
    const facts = overlayFacts(overlay, structs, id, field.name);
    const { go, flags, ...rest } = field;
    return {
      ...rest,
      go: go.replace(/^\*/, ''),
      pointer: go.startsWith('*'),
      omitEmpty: flags.includes('e'),
      omitZero: flags.includes('z'),
      enum: facts.enum ?? field.enum,
      patchStrategy: facts.patchStrategy,
      patchMergeKey: facts.patchMergeKey,
      listType: facts.listType,
      listMapKeys: facts.listMapKeys,
      mapType: facts.mapType ?? facts.structType,
      default: givenDefault(facts.default ?? defaults[id]?.[field.name], go),
      published: facts.default !== undefined,
    };
  }
}

/** A default that is the zero value of a Go value type changes nothing. */
function givenDefault(value, go) {
  const zero = value === '' || value === 0 || value === false;
  return zero && !go.startsWith('*') ? undefined : value;
}

/** Overlay facts of a field; it may be declared by an embedded struct. */
function overlayFacts(overlay, structs, id, name) {
  const real = overlay.aliases[id] ?? id;
  const own = overlay.types[real]?.[name];
  if (own) return own;
  for (const entry of structs[id] ?? []) {
    if (!entry.startsWith('|')) continue;
    const found = overlayFacts(overlay, structs, structId(structs, id, entry.split('|')[1]), name);
    if (Object.keys(found).length > 0) return found;
  }
  return {};
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

/** kubernetes-models' schema name of a type. */
function interfaceName(id) {
  const [group, version, name] = id.split('/');
  if (group === 'meta') return `IoK8sApimachineryPkgApisMetaV1${name}`;
  const go = goGroup(group);
  const v = capital(version);
  if (go === 'apiextensions') return `IoK8sApiextensionsApiserverPkgApisApiextensions${v}${name}`;
  if (go === 'apiregistration') return `IoK8sKubeAggregatorPkgApisApiregistration${v}${name}`;
  return `IoK8sApi${capital(go)}${v}${name}`;
}

/** The Go package folder of a group. */
export function goGroup(group) {
  if (group === 'rbac.authorization.k8s.io') return 'rbac';
  if (group === 'internal.apiserver.k8s.io') return 'apiserverinternal';
  return group.split('.')[0];
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
