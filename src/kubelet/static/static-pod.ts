import type { Pod } from '../types.ts';

/** Upstream's names: other programs know static pods and their mirrors by them. */
export const configHashAnnotation = 'kubernetes.io/config.hash';
export const configSeenAnnotation = 'kubernetes.io/config.seen';
export const configSourceAnnotation = 'kubernetes.io/config.source';
export const configMirrorAnnotation = 'kubernetes.io/config.mirror';

/** The API server's picture of a static pod: shown, and never run. */
export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.[configMirrorAnnotation] !== undefined;
}

/** A pod from a file or a URL. Its mirror carries the same annotations, and is none. */
export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[configSourceAnnotation];
  return source !== undefined && source !== 'api' && !isMirrorPod(pod);
}

/** What a mirror is recognised by: of this very content, from this very place. */
export function mirrors(mirror: Pod, pod: Pod): boolean {
  return (
    mirror.metadata.annotations?.[configMirrorAnnotation] === pod.metadata.annotations?.[configHashAnnotation] &&
    mirror.metadata.deletionTimestamp === undefined
  );
}

/** `namespace/name`: what a static pod and its mirror have in common. */
export function fullName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
