import type { Pod } from '../types.ts';

interface Explanation {
  readonly reason?: string;
  readonly message?: string;
}

/** How far a pod's resize has come. Undefined parts: nothing of the kind. */
export interface ResizeState {
  /** It does not fit (`Deferred`) or never will here (`Infeasible`). */
  readonly pending?: Explanation | undefined;
  /** Granted, and not yet in force in every container; with an explanation when putting it in force failed. */
  readonly inProgress?: Explanation | undefined;
}

/** The conditions that tell of it: of the kubelet, and gone when the resize is done. */
export const resizeConditions: readonly string[] = ['PodResizePending', 'PodResizeInProgress'];

/** The text of a resize's event: what happened, then the resources in JSON, as upstream writes it. */
export function resizeMessage(what: string, pod: Pod, error?: string): string {
  const list = (containers: readonly { readonly name: string; readonly resources?: unknown }[] | undefined) =>
    containers && containers.length > 0
      ? containers.map(({ name, resources }) => ({ name, resources: resources ?? {} }))
      : undefined;
  const summary = {
    initContainers: list(pod.spec?.initContainers),
    containers: list(pod.spec?.containers),
    generation: pod.metadata.generation ?? 0,
    error,
  };
  return `${what}: ${JSON.stringify(summary)}`;
}
