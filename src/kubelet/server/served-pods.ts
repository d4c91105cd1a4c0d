/** What the server needs to know of the node's pods; the kubelet gives it. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export interface ServedContainer {
  /** The runtime's. */
  readonly id: string;
  readonly running: boolean;
  readonly logPath: string;
  /** Resolves when the container has ended (at once if it has); rejects when the signal is aborted. */
  ended(signal: AbortSignal): Promise<void>;
}

export interface ServedPods {
  list(): readonly DeepReadonly<Pod>[];
  get(namespace: string, name: string): DeepReadonly<Pod> | undefined;
  /** The newest instance of a container, or the one before it; undefined when there is none. */
  container(pod: DeepReadonly<Pod>, name: string, previous: boolean): Promise<ServedContainer | undefined>;
  /** Undefined while the pod has no sandbox. */
  sandboxId(pod: DeepReadonly<Pod>): Promise<string | undefined>;
}
