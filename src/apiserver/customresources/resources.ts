/** The resources that a CustomResourceDefinition stands for: one a served version, sharing a storage. */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../apis/generated/types/apiextensions.k8s.io/v1.ts';
import type { Kind } from '../../apis/kind.ts';
import { encodeText, parseJson } from '../../machinery/codec/json.ts';
import { type JsonPath, parseJsonPath } from '../../machinery/jsonpath/jsonpath.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cloneJson, jsonEqual } from '../../machinery/patch/json-value.ts';
import type { CustomKind } from '../../machinery/openapi/custom.ts';
import type { SubresourceInfo } from '../../machinery/schema/resource.ts';
import type { JsonSchema } from '../../machinery/structural/json-schema.ts';
import { ruleValidator } from '../../machinery/structural/rules.ts';
import { byVersionPriority } from '../discovery/legacy.ts';
import type { Conversion, Resource, StorageInfo } from '../registry/resource.ts';
import { decodeStored, encodeStored } from '../registry/stored-form.ts';
import type { ObjectReader, Unsealed } from '../watchcache/cached-object.ts';
import { customColumns } from './columns.ts';
import { CustomResourceSchema } from './schema.ts';
import { customStatusStrategy, customStrategy } from './strategy.ts';
import { type ConvertObjects, WebhookConversion } from './webhook-conversion.ts';

export interface CustomResourceOptions {
  /** Asks the definition's conversion webhook. */
  readonly convert?: ConvertObjects;
  /** The storageVersionHash of discovery. */
  readonly storageVersionHash: string;
}

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;
const terminatingVerbs: readonly string[] = ['delete', 'deletecollection', 'get', 'list', 'watch'];
const subresourceVerbs = ['get', 'patch', 'update'] as const;

/** Everything of a definition that does not depend on whether it is being deleted. Made once for a spec. */
export class CustomResources {
  /** Served versions, in the order of the definition. */
  readonly resources: readonly Resource[];
  readonly storageId: string;
  readonly openApiKinds: readonly CustomKind[];

  constructor(definition: CustomResourceDefinition, options: CustomResourceOptions) {
    const { group, versions } = definition.spec;
    const names = definition.status?.acceptedNames ?? definition.spec.names;
    const schemas = new Map(versions.map((version) => [version.name, new CustomResourceSchema(schemaOf(version))]));
    const stored = versions.find((version) => version.storage)!;
    this.storageId = `${group}/${names.plural}`;
    const webhook = definition.spec.conversion?.strategy === 'Webhook' ? options.convert : undefined;
    const reader = readerOf(definition, stored, schemas, webhook !== undefined);
    const storedSchema = schemas.get(stored.name)!;
    const seal = sealOf(`${group}/${stored.name}`);
    this.openApiKinds = versions
      .filter((version) => version.served)
      .map((version) => ({
        group,
        version: version.name,
        kind: names.kind,
        listKind: names.listKind ?? `${names.kind}List`,
        plural: names.plural,
        namespaced: definition.spec.scope === 'Namespaced',
        schema: schemaOf(version),
        status: version.subresources?.status !== undefined,
        scale: version.subresources?.scale !== undefined,
        selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath),
      }));
    this.resources = versions
      .filter((version) => version.served)
      .map((version) => {
        const schema = schemas.get(version.name)!;
        const conversion = webhook
          ? new WebhookConversion(
              { apiVersion: `${group}/${version.name}`, schema },
              { apiVersion: `${group}/${stored.name}`, schema: storedSchema },
              webhook,
            )
          : undefined;
        const same = version === stored || jsonEqual(schema.schema ?? null, storedSchema.schema ?? null);
        const storage: StorageInfo = {
          id: this.storageId,
          reader,
          seal,
          ...(conversion
            ? { conversion }
            : same
              ? {}
              : { conversion: noneConversion(group, version.name, stored.name, schema, storedSchema) }),
        };
        return resourceOf(definition, version, schema, storage, options);
      });
  }

  /** While the definition is being deleted: nothing new is taken. */
  terminating(): readonly Resource[] {
    return this.resources.map((resource) => ({ ...resource, verbs: terminatingVerbs }));
  }
}

const schemaOf = (version: CustomResourceDefinitionVersion): JsonSchema | undefined =>
  version.schema?.openAPIV3Schema as JsonSchema | undefined;

function resourceOf(
  definition: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  schema: CustomResourceSchema,
  storage: StorageInfo,
  options: CustomResourceOptions,
): Resource {
  const { group, scope } = definition.spec;
  const names = definition.status?.acceptedNames ?? definition.spec.names;
  const { subresources } = version;
  const rules = schema.schema && ruleValidator(schema.schema);
  const strategyOptions = { schema: schema.schema, subresources, rules };
  const own = { group, version: version.name, kind: names.kind };
  const served: SubresourceInfo[] = [];
  if (subresources?.status) served.push({ name: 'status', ...own, verbs: subresourceVerbs });
  if (subresources?.scale)
    served.push({ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: subresourceVerbs });
  const kindInfo: Partial<Kind> = {
    strategy: customStrategy(strategyOptions),
    ...(subresources?.status ? { subresources: { status: customStatusStrategy(strategyOptions) } } : {}),
    ...(subresources?.scale
      ? {
          scale: {
            specReplicas: subresources.scale.specReplicasPath,
            statusReplicas: subresources.scale.statusReplicasPath,
            selector: subresources.scale.labelSelectorPath ?? '',
          },
        }
      : {}),
    columns: customColumns(version.additionalPrinterColumns),
    selectableFields: Object.fromEntries(
      (version.selectableFields ?? []).map((field) => [fieldName(field.jsonPath), fieldOf(field.jsonPath)]),
    ),
    ...(version.deprecated ? { deprecation: version.deprecationWarning ?? deprecationOf(definition, version) } : {}),
  };
  return {
    ...own,
    listKind: names.listKind ?? `${names.kind}List`,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    verbs,
    subresources: served,
    apiVersion: `${group}/${version.name}`,
    storageVersionHash: options.storageVersionHash,
    schema,
    storage,
    kindInfo,
  };
}

/** `g/v1 Foo is deprecated`, and what to use where there is something newer. */
function deprecationOf({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): string {
  const newer = spec.versions
    .filter((v) => v.served && !v.deprecated && byVersionPriority(v.name, version.name) < 0)
    .map((v) => v.name)
    .sort(byVersionPriority);
  const text = `${spec.group}/${version.name} ${spec.names.kind} is deprecated`;
  return newer.length === 0 ? text : `${text}; use ${spec.group}/${newer[0]} ${spec.names.kind}`;
}

const fieldName = (jsonPath: string): string => jsonPath.replace(/^\./, '');

function fieldOf(jsonPath: string): (object: KubeObject) => string {
  let path: JsonPath | undefined;
  return (object) => {
    path ??= parseJsonPath(jsonPath);
    const [value] = path(object);
    return value === undefined || value === null ? '' : String(value);
  };
}

/** Versions without a webhook between them differ in apiVersion, and in what their schemas know. */
function noneConversion(
  group: string,
  served: string,
  stored: string,
  servedSchema: CustomResourceSchema,
  storedSchema: CustomResourceSchema,
): Conversion {
  const to = (object: KubeObject, version: string, schema: CustomResourceSchema): KubeObject => {
    const copy = cloneJson(object);
    copy.apiVersion = `${group}/${version}`;
    return schema.normalize(copy).object;
  };
  return {
    fromStorage: (object) => to(object, served, servedSchema),
    toStorage: (object) => to(object, stored, storedSchema),
    encode: storedSchema.encode,
  };
}

/**
 * Custom resources lie in the store with the version in which they were written, as the last member:
 * `{"metadata":{...},...,"apiVersion":"g/v1"}`. Served bytes are without it.
 */
function sealOf(apiVersion: string): (bytes: Uint8Array) => Uint8Array {
  const suffix = encodeText(`,"apiVersion":${JSON.stringify(apiVersion)}}`);
  return (bytes) => {
    const out = new Uint8Array(bytes.length - 1 + suffix.length);
    out.set(bytes.subarray(0, -1));
    out.set(suffix, bytes.length - 1);
    return out;
  };
}

const brace = 0x7d;

/** What is stored under an older schema or version is pruned, defaulted and converted when it is read. */
function readerOf(
  definition: CustomResourceDefinition,
  stored: CustomResourceDefinitionVersion,
  schemas: ReadonlyMap<string, CustomResourceSchema>,
  webhook: boolean,
): ObjectReader {
  const { group, versions } = definition.spec;
  const names = definition.status?.acceptedNames ?? definition.spec.names;
  const apiVersion = `${group}/${stored.name}`;
  const schema = schemas.get(stored.name)!;
  const suffix = encodeText(`,"apiVersion":${JSON.stringify(apiVersion)}}`);
  const fields = new Map<string, (object: KubeObject) => string>();
  for (const version of versions)
    for (const { jsonPath } of version.selectableFields ?? []) fields.set(fieldName(jsonPath), fieldOf(jsonPath));
  const getters = [...fields.values()];

  const current = (bytes: Uint8Array): Uint8Array | undefined => {
    const start = bytes.length - suffix.length;
    if (start < 0) return undefined;
    for (let i = 0; i < suffix.length; i++) if (bytes[start + i] !== suffix[i]) return undefined;
    // A copy, not `slice`: that of Node's buffers shares their memory.
    const out = new Uint8Array(start + 1);
    out.set(bytes.subarray(0, start));
    out[start] = brace;
    return out;
  };

  const unseal = (bytes: Uint8Array, known: boolean): Unsealed => {
    const plain = current(bytes);
    if (plain && known) return { bytes: plain, stale: false };
    const value = parseJson(bytes).value as KubeObject;
    const writtenAs = (value.apiVersion ?? apiVersion).split('/')[1]!;
    const writtenSchema = schemas.get(writtenAs);
    let object = value;
    if (writtenSchema) {
      object = writtenSchema.normalize(value).object;
      writtenSchema.applyDefaults(object);
    }
    if (writtenSchema !== schema && webhook) {
      // Only the webhook can convert it: it stays in its version, which is said in it.
      const { kind: _kind, ...rest } = object;
      return { bytes: sealOf(value.apiVersion!)(encodeStored((writtenSchema ?? schema).encode, rest)), stale: true };
    }
    if (writtenSchema !== schema) {
      object.apiVersion = apiVersion;
      object = schema.normalize(object).object;
    }
    const fresh = encodeStored(schema.encode, object);
    return { bytes: fresh, stale: plain === undefined || !sameBytes(plain, fresh) };
  };

  return {
    fieldNames: [...fields.keys()],
    fieldValues: (object) => getters.map((get) => get(object)),
    decode: (bytes, revision) => decodeStored(bytes, revision, apiVersion, names.kind),
    unseal,
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
