/** What checks of the pod security standards are made of. */
import type { Container, PodSpec, SecurityContext } from '../../../apis/generated/types/core/v1.ts';
import type { ObjectMeta } from '../../../machinery/meta/object.ts';

export interface Finding {
  readonly reason: string;
  /** '' when the reason says it all. */
  readonly detail: string;
}

export interface CheckedPod {
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
  /** The policy's version. */
  readonly minor: number;
}

export interface Check {
  readonly id: string;
  /** The first version of policies that has it. */
  readonly since: number;
  /** Of a restricted check: the baseline check that it makes needless, from `since` on. */
  readonly overrides?: string;
  /** Undefined: nothing is wrong. */
  run(pod: CheckedPod): Finding | undefined;
}

/** All containers, in the order that messages name them. */
export function containersOf({ initContainers, containers, ephemeralContainers }: PodSpec): Container[] {
  return [...(initContainers ?? []), ...(containers ?? []), ...((ephemeralContainers ?? []) as Container[])];
}

/** The names of containers that something is wrong with. */
export const namesOf = (spec: PodSpec, isWrong: (container: Container, security: SecurityContext) => boolean) =>
  containersOf(spec)
    .filter((container) => isWrong(container, container.securityContext ?? {}))
    .map(({ name }) => name);

/** `"a", "b"` */
export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

export const plural = (word: string, names: readonly unknown[]): string => (names.length === 1 ? word : `${word}s`);

/** `containers "a", "b"` */
export const containersText = (names: readonly string[]): string => `${plural('container', names)} ${quoted(names)}`;

/** `pod and container "a"`: whoever sets something. Undefined when nobody does. */
export function settersText(pod: boolean, containers: readonly string[]): string | undefined {
  const setters = [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersText(containers)] : [])];
  return setters.length > 0 ? setters.join(' and ') : undefined;
}

/** Once each, in order. */
export const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** Since 1.25, what means nothing on Windows is not asked of pods for it. */
export const isForWindows = ({ spec, minor }: CheckedPod): boolean => minor >= 25 && spec.os?.name === 'windows';

/** Since 1.35, being root inside a user namespace is as being nobody. */
export const hasUserNamespace = ({ spec, minor }: CheckedPod): boolean => minor >= 35 && spec.hostUsers === false;
