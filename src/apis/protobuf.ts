/**
 * The protobuf form of the built-in kinds: which message a kind is, and the way to JSON and back. The field numbers
 * (220 KB) are loaded when first asked for: what needs them at once awaits `loadProtobuf` before.
 */
import { encodeValue, parseJson } from '../machinery/codec/json.ts';
import { ProtobufDecoder } from '../machinery/codec/protobuf-decoder.ts';
import { ProtobufEncoder } from '../machinery/codec/protobuf-encoder.ts';
import { inEnvelope, readEnvelope } from '../machinery/codec/protobuf-envelope.ts';
import { ProtobufError } from '../machinery/codec/protobuf-reader.ts';
import type { StructType } from '../machinery/schema/table.ts';
import { allGroups, builtinTypes, typeId } from './scheme.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

const machineryPackage = 'k8s.io.apimachinery.pkg.apis.meta';
const machinery = `${machineryPackage}.v1`;

export interface ProtobufKind {
  /** Full name. */
  readonly message: string;
  readonly type: StructType;
}

export interface Protobuf {
  readonly encoder: ProtobufEncoder;
  readonly decoder: ProtobufDecoder;
  /** Undefined: the kind has no protobuf form. The machinery's own kinds (Status, DeleteOptions) go by any group's version. */
  kind(apiVersion: string, kind: string): ProtobufKind | undefined;
}

let loading: Promise<Protobuf> | undefined;
let loaded: Protobuf | undefined;

/** Also makes `protobuf()` usable. */
export function loadProtobuf(): Promise<Protobuf> {
  loading ??= import('./generated/protobuf.ts').then(({ messages }) => {
    loaded = {
      encoder: new ProtobufEncoder(messages),
      decoder: new ProtobufDecoder(messages),
      kind: kindFinder(messages),
    };
    return loaded;
  });
  return loading;
}

export const isProtobufLoaded = (): boolean => loaded !== undefined;

/** Throws when nobody has awaited `loadProtobuf`. */
export function protobuf(): Protobuf {
  if (loaded === undefined) throw new Error('protobuf: the tables are not loaded');
  return loaded;
}

/** The form of a resource's own objects; undefined for custom resources, and where the tables are not loaded. */
export function protobufKindOf(resource: {
  readonly apiVersion: string;
  readonly kind: string;
}): ProtobufKind | undefined {
  const found = loaded?.kind(resource.apiVersion, resource.kind);
  return found?.message.startsWith(machineryPackage) ? undefined : found;
}

function kindFinder(messages: object): Protobuf['kind'] {
  const packages = new Map(allGroups().map(({ group }) => [group, packageOf(group)]));
  packages.set('meta.k8s.io', machineryPackage);
  const known = new Map<string, ProtobufKind | undefined>();
  return (apiVersion, kind) => {
    const key = `${apiVersion} ${kind}`;
    if (known.has(key)) return known.get(key);
    const slash = apiVersion.indexOf('/');
    const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    const own = `${packages.get(group)}.${version}.${kind}`;
    const message = Object.hasOwn(messages, own) ? own : `${machinery}.${kind}`;
    const id = message.startsWith(machineryPackage) ? `meta/v1/${kind}` : typeId(group, version, kind);
    const type = Object.hasOwn(messages, message) ? builtinTypes.find(id) : undefined;
    const found = type && { message, type };
    known.set(key, found);
    return found;
  };
}

/** The package of a group's messages, without the version. */
function packageOf(group: string): string {
  switch (group) {
    case '':
      return 'k8s.io.api.core';
    case 'apiextensions.k8s.io':
      return 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions';
    case 'apiregistration.k8s.io':
      return 'k8s.io.kube_aggregator.pkg.apis.apiregistration';
    case 'internal.apiserver.k8s.io':
      return 'k8s.io.api.apiserverinternal';
    default:
      return `k8s.io.api.${group.split('.')[0]}`;
  }
}

/**
 * The object of a body: a function that makes it, of the caller's own, each time it is called. Undefined for kinds that
 * have no protobuf form. Throws ProtobufError for broken bytes, also when called.
 */
export async function protobufReader(bytes: Uint8Array): Promise<(() => Record<string, unknown>) | undefined> {
  const { decoder, kind: find } = await loadProtobuf();
  const { apiVersion, kind, raw } = readEnvelope(bytes);
  const known = find(apiVersion, kind);
  return known && (() => ({ apiVersion, kind, ...decoder.decode(known.message, known.type, raw) }));
}

/** The same object as JSON. Throws ProtobufError for broken bytes and for kinds that have no protobuf form. */
export async function protobufToJson(bytes: Uint8Array): Promise<Uint8Array> {
  const read = await protobufReader(bytes);
  if (read === undefined) {
    const { apiVersion, kind } = readEnvelope(bytes);
    throw new ProtobufError(`no form of ${kind} in ${apiVersion} is known`);
  }
  return encodeValue(read());
}

/** The same object in protobuf. Undefined for what is no object, and for kinds that have no protobuf form. */
export async function jsonToProtobuf(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const { encoder, kind: find } = await loadProtobuf();
  const { value } = parseJson(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const known = find(apiVersion, kind);
  return known && inEnvelope(apiVersion, kind, encoder.encode(known.message, known.type, value));
}
