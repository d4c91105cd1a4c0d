import type * as core from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import type { ObjectReader } from '../containers/env.ts';
import { type NodeFacts, podFieldValue } from '../containers/field-path.ts';
import { type NodeResources, resourceFieldValue } from '../containers/resources.ts';
import { findContainer, type Pod, type Volume } from '../types.ts';
import type { Payload, ProjectedFile } from './atomic-writer.ts';
import type { TokenSource } from './tokens.ts';

export interface PayloadDeps {
  readonly objects: Pick<ObjectReader, 'configMap' | 'secret'>;
  readonly tokens: TokenSource;
  readonly facts: NodeFacts;
  readonly node: NodeResources;
}

type Items = DeepReadonly<core.KeyToPath[]> | undefined;
type DownwardFiles = DeepReadonly<core.DownwardAPIVolumeFile[]> | undefined;

/** What the files of a volume are when its source says nothing else. */
const defaultMode = 0o644;

/** The content of a configMap, secret, downwardAPI or projected volume; undefined for a volume of another kind. */
export async function volumePayload(pod: Pod, volume: Volume, deps: PayloadDeps): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const mode = configMap.defaultMode ?? defaultMode;
    return configMapFiles(pod, configMap.name ?? '', configMap.items, configMap.optional, mode, deps);
  }
  if (secret) {
    const mode = secret.defaultMode ?? defaultMode;
    return secretFiles(pod, secret.secretName ?? '', secret.items, secret.optional, mode, deps);
  }
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, downwardAPI.defaultMode ?? defaultMode, deps);
  if (!projected) return undefined;
  const all = new Map<string, ProjectedFile>();
  for (const source of projected.sources ?? [])
    for (const [path, file] of await projectedFiles(pod, source, projected.defaultMode ?? defaultMode, deps))
      all.set(path, file);
  return all;
}

type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

async function projectedFiles(pod: Pod, source: Projection, mode: number, deps: PayloadDeps): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) return configMapFiles(pod, configMap.name ?? '', configMap.items, configMap.optional, mode, deps);
  if (secret) return secretFiles(pod, secret.name ?? '', secret.items, secret.optional, mode, deps);
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, mode, deps);
  if (serviceAccountToken) {
    const { audience, expirationSeconds, path } = serviceAccountToken;
    const token = await deps.tokens.token(pod, audience ?? '', expirationSeconds ?? 3600);
    const owner = singleUser(pod);
    // A token is for the pod's own user or group alone, where the pod says who that is.
    const isPrivate = pod.spec?.securityContext?.fsGroup !== undefined || owner !== undefined;
    const file = { data: Buffer.from(token), mode: isPrivate ? 0o600 : mode };
    return new Map([[path, owner === undefined ? file : { ...file, uid: owner }]]);
  }
  throw new Error(`projected volume: its source names none of configMap, secret, downwardAPI, serviceAccountToken`);
}

async function configMapFiles(
  pod: Pod,
  name: string,
  items: Items,
  optional: boolean | undefined,
  mode: number,
  deps: PayloadDeps,
): Promise<Payload> {
  const object = await deps.objects.configMap(pod.metadata.namespace ?? '', name);
  if (!object && !optional) throw new Error(`configmap "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(object?.data ?? {})) data.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries(object?.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return select(data, items, optional, mode);
}

async function secretFiles(
  pod: Pod,
  name: string,
  items: Items,
  optional: boolean | undefined,
  mode: number,
  deps: PayloadDeps,
): Promise<Payload> {
  const object = await deps.objects.secret(pod.metadata.namespace ?? '', name);
  if (!object && !optional) throw new Error(`secret "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(object?.data ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return select(data, items, optional, mode);
}

function select(
  data: ReadonlyMap<string, Uint8Array>,
  items: Items,
  optional: boolean | undefined,
  mode: number,
): Payload {
  if (!items || items.length === 0) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode }]));
  const out = new Map<string, ProjectedFile>();
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes) out.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!optional) throw new Error(`references non-existent config key: ${item.key}`);
  }
  return out;
}

function downwardFiles(pod: Pod, files: DownwardFiles, mode: number, deps: PayloadDeps): Payload {
  const out = new Map<string, ProjectedFile>();
  for (const file of files ?? []) {
    let value = '';
    if (file.fieldRef) value = podFieldValue(pod, file.fieldRef.fieldPath, deps.facts);
    else if (file.resourceFieldRef) {
      const { containerName = '', resource, divisor } = file.resourceFieldRef;
      const container = findContainer(pod, containerName);
      if (!container) throw new Error(`downward API file ${file.path}: container '${containerName}' is not in the pod`);
      value = resourceFieldValue(container, resource, divisor, deps.node);
    }
    out.set(file.path, { data: Buffer.from(value), mode: file.mode ?? mode });
  }
  return out;
}

/** The user that all containers run as, when they agree on one. */
function singleUser(pod: Pod): number | undefined {
  const shared = pod.spec?.securityContext?.runAsUser;
  const users = new Set(
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
      (container) => container.securityContext?.runAsUser ?? shared,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}
