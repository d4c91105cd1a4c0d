/** The built-in resources: the rows of the generated table, each with its kind's specialities where it has some. */
import type { Kind } from '../../apis/kind.ts';
import { allResources, schemaOf } from '../../apis/scheme.ts';
import { shapeOfStruct } from '../../machinery/managedfields/shape.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { groupVersionText } from '../../machinery/meta/object.ts';
import type { ResourceInfo } from '../../machinery/schema/resource.ts';
import { conversionBetween, isAlike } from './conversions/index.ts';
import { type EnabledOptions, enabledResources } from './enabled.ts';
import type { ObjectSchema, Resource, StorageInfo } from './resource.ts';

/** What is served, in the order of the table. `kinds`: apis/index.ts. Throws for options that name what there is not. */
export function builtinResources(kinds: readonly Kind[], options: EnabledOptions = {}): Resource[] {
  const byName = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.kind}`, kind]));
  const byKind = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  const served = enabledResources(allResources(), options);
  return served.map((info) => {
    // A kind that is written for one version holds for another that has the same fields.
    const own = byName.get(`${info.group}/${info.version}/${info.kind}`);
    const kind = own ?? (isAlike(info) ? byKind.get(`${info.group}/${info.kind}`) : undefined);
    const { storage, type: _type, servedByDefault: _served, featureGate: _gate, ...rest } = info;
    return {
      ...rest,
      apiVersion: groupVersionText(info),
      storageVersionHash: storage?.hash ?? '',
      schema: builtinSchema(info, kind),
      storage: storageOf(info, served),
      kindInfo: kind ?? {},
    };
  });
}

function builtinSchema(info: ResourceInfo, kind: Kind | undefined): ObjectSchema {
  const schema = schemaOf(info.group, info.version, info.kind);
  const extra = kind?.applyDefaults;
  return {
    decode: (bytes, options) => schema.decode(bytes, options),
    normalize: (value, duplicates) => schema.normalize(value, duplicates),
    applyDefaults(object: KubeObject) {
      schema.applyDefaults(object);
      extra?.call(kind, object);
    },
    validate: (object) => schema.validate(object),
    encode: (object) => schema.encode(object),
    shape: shapeOfStruct(schema.type),
    patchType: schema.type.id,
  };
}

/**
 * The stored version is the table's, if that is served too; a kind whose upstream stores a version that we do not serve
 * is stored as it is served.
 */
function storageOf(info: ResourceInfo, served: readonly ResourceInfo[]): StorageInfo | undefined {
  if (!info.storage || !info.verbs.includes('get')) return undefined;
  const { group, version } = info.storage;
  const stored = served.find((r) => r.group === group && r.version === version && r.plural === info.plural);
  if (!stored || stored === info) return { id: `${info.group || 'core'}/${info.plural}` };
  return { id: `${group || 'core'}/${info.plural}`, conversion: conversionBetween(info, stored) };
}
