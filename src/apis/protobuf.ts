/** Protobuf bodies of the built-in kinds. Loads the field numbers (220 KB) on first use. */
import { encodeValue } from '../machinery/codec/json.ts';
import { ProtobufDecoder, ProtobufError, readEnvelope } from '../machinery/codec/protobuf.ts';
import { builtinTypes, typeId } from './scheme.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

let decoder: Promise<ProtobufDecoder> | undefined;

/** The same object as JSON. Throws ProtobufError for broken bytes and for kinds that have no protobuf form. */
export async function protobufToJson(bytes: Uint8Array): Promise<Uint8Array> {
  decoder ??= import('./generated/protobuf.ts').then(({ messages }) => new ProtobufDecoder(messages));
  const loaded = await decoder;
  const { apiVersion, kind, raw } = readEnvelope(bytes);
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const own = `k8s.io.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`;
  const [message, id] = loaded.has(own)
    ? [own, typeId(group, version, kind)]
    : // The machinery's own kinds (DeleteOptions) go by any group's version.
      [`k8s.io.apimachinery.pkg.apis.meta.v1.${kind}`, `meta/v1/${kind}`];
  const type = builtinTypes.find(id);
  if (!loaded.has(message) || type === undefined)
    throw new ProtobufError(`no form of ${kind} in ${apiVersion} is known`);
  return encodeValue({ apiVersion, kind, ...loaded.decode(message, type, raw) });
}
