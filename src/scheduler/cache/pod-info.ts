import { type AffinityTerms, affinityTermsOf } from '../counts/affinity-terms.ts';
import type { Pod } from '../framework/objects.ts';
import { type HostPort, hostPortsOf } from './host-ports.ts';
import { isResizing, podRequests } from './pod-requests.ts';
import type { Resource } from './resource.ts';

/** A pod with what scheduling reads of it again and again, computed once. Readonly: a new version makes a new one. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly priority: number;
  readonly requests: Resource;
  readonly nonZeroRequests: Resource;
  readonly hostPorts: readonly HostPort[];
  readonly terms: AffinityTerms;
  /** Keys (`namespace/name`) of the claims that its volumes name. */
  readonly claims: readonly string[];
}

export function newPodInfo(pod: Pod): PodInfo {
  const { requests, nonZero } = podRequests(pod);
  return {
    pod,
    uid: pod.metadata.uid ?? '',
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name ?? '',
    priority: pod.spec.priority ?? 0,
    requests,
    nonZeroRequests: nonZero,
    hostPorts: hostPortsOf(pod),
    terms: affinityTermsOf(pod),
    claims: claimsOf(pod),
  };
}

const none: readonly string[] = [];

function claimsOf({ metadata, spec }: Pod): readonly string[] {
  if (spec.volumes === undefined) return none;
  const names = new Set(spec.volumes.flatMap((v) => v.persistentVolumeClaim?.claimName ?? []));
  return names.size === 0 ? none : [...names].map((name) => `${metadata.namespace ?? ''}/${name}`);
}

/** The info of a newer version of the pod; what only the spec decides is not computed again when that did not change. */
export function updatedPodInfo(old: PodInfo, pod: Pod): PodInfo {
  const { generation } = pod.metadata;
  const isSame =
    generation !== undefined &&
    generation === old.pod.metadata.generation &&
    pod.spec.nodeName === old.pod.spec.nodeName &&
    !isResizing(old.pod) &&
    !isResizing(pod);
  return isSame ? { ...old, pod } : newPodInfo(pod);
}

/** The same pod as if it were bound: what the cache assumes until the watch says so. */
export function withNodeName(info: PodInfo, nodeName: string): PodInfo {
  return { ...info, pod: { ...info.pod, spec: { ...info.pod.spec, nodeName } } };
}

/** A pod that has ended uses nothing. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
