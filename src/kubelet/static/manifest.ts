import { createHash } from 'node:crypto';
import { defaultPod } from '../../apis/core/pod/defaults.ts';
import { validatePodSpec } from '../../apis/core/pod/validation/spec.ts';
import type * as core from '../../apis/generated/types/core/v1.ts';
import { schemaOf } from '../../apis/scheme.ts';
import { parseYaml } from '../../machinery/codec/yaml.ts';
import { fieldErrorText, invalid } from '../../machinery/validation/field-error.ts';
import { isDns1123Subdomain } from '../../machinery/validation/formats.ts';
import type { Pod } from '../types.ts';
import { apiReference } from './api-references.ts';
import { configHashAnnotation, configSourceAnnotation } from './static-pod.ts';

/** Where a manifest was read. The path or URL is part of the pod's identity: the same text elsewhere is another pod. */
export type ManifestOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string };

/**
 * The static pods of a manifest, YAML or JSON, a Pod or a PodList: named after the node, with a UID that is a hash of
 * text and origin. Throws an Error that says what is wrong; then none of the manifest's pods counts.
 */
export function decodeManifest(text: string, origin: ManifestOrigin, nodeName: string): Pod[] {
  const { value } = parseYaml(text);
  const { apiVersion, kind } = (value ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (apiVersion === 'v1' && kind === 'Pod') return [decodePod(value, origin, nodeName)];
  if (apiVersion === 'v1' && kind === 'PodList') {
    const { items } = value as { readonly items?: unknown };
    return (Array.isArray(items) ? items : []).map((item) => decodePod(item, origin, nodeName));
  }
  throw new Error(
    `is ${String(kind ?? 'nothing')} of ${String(apiVersion ?? 'no version')}; want Pod or PodList of v1`,
  );
}

function decodePod(value: unknown, origin: ManifestOrigin, nodeName: string): Pod {
  const schema = schemaOf<core.Pod>('', 'v1', 'Pod');
  const pod = schema.normalize(value).object;
  const own = pod.metadata?.name;
  if (!own) throw new Error('invalid pod: name is needed for the pod');
  const uid = pod.metadata.uid || hashOf(pod, origin, nodeName);
  pod.apiVersion = 'v1';
  pod.kind = 'Pod';
  pod.metadata = {
    ...pod.metadata,
    name: `${own}-${nodeName.toLowerCase()}`,
    namespace: pod.metadata.namespace || 'default',
    uid,
    annotations: {
      ...pod.metadata.annotations,
      [configHashAnnotation]: uid,
      [configSourceAnnotation]: origin.kind,
    },
  };
  schema.applyDefaults(pod);
  defaultPod(pod);
  const spec = pod.spec!;
  spec.nodeName = nodeName;
  // Trouble of the node must not end what may be the cure of it.
  if (origin.kind === 'file') tolerateNoExecute(spec);
  pod.status = { phase: 'Pending' };
  const nameErrors = isDns1123Subdomain(pod.metadata.name!).map((why) =>
    invalid('metadata.name', pod.metadata.name, why),
  );
  const errors = [...nameErrors, ...schema.validate(pod), ...validatePodSpec(spec, 'spec')];
  if (errors.length > 0) throw new Error(`invalid pod: ${errors.map(fieldErrorText).join(', ')}`);
  const reference = apiReference(pod as Pod);
  if (reference) throw new Error(`static pods may not reference ${reference}`);
  return pod as Pod;
}

function tolerateNoExecute(spec: core.PodSpec): void {
  const toleration = { operator: 'Exists', effect: 'NoExecute' };
  const isThere = spec.tolerations?.some((t) => t.operator === 'Exists' && t.effect === 'NoExecute' && !t.key);
  if (!isThere) spec.tolerations = [...(spec.tolerations ?? []), toleration];
}

/** 128 bits in hexadecimal, as upstream's. Another host, another file or another content: another pod. */
function hashOf(pod: core.Pod, origin: ManifestOrigin, nodeName: string): string {
  const where = origin.kind === 'file' ? `host:${nodeName}file:${origin.path}` : `url:${origin.url}`;
  return createHash('sha256').update(JSON.stringify(pod)).update(where).digest('hex').slice(0, 32);
}
