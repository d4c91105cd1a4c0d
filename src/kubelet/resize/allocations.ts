import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NodeDirectories, podDirectory } from '../containers/directories.ts';
import { podsToPreempt } from '../pods/preemption.ts';
import { latestContainer, type RuntimePod } from '../pods/runtime-pod.ts';
import type { Pod } from '../types.ts';
import { askedResources, type ContainerResources, type Resources, sameResources, withResources } from './compute.ts';
import { doesNotFit, type NodeCapacity, portTaken, type Rejection, shortage } from './fit.ts';

export interface AllocationsDeps {
  readonly dirs: NodeDirectories;
  /** What pods can have of this node. */
  readonly capacity: NodeCapacity;
  /** Something was given back: the pods named wait for more than they have. */
  readonly onFreed: (uids: readonly string[]) => void;
}

interface Allocation {
  pod: Pod;
  granted: ContainerResources;
  /** By container id, where it is other than at the container's start. */
  readonly applied: Map<string, Resources>;
  waits: boolean;
}

/** Only of pods that were ever resized; what the others have is what their containers were started with. */
interface Saved {
  readonly granted: ContainerResources;
  readonly applied: Readonly<Record<string, Resources>>;
}

/**
 * What this node has granted to each of its pods, which is not what a spec asks for while a resize waits for room; and
 * what of it is in force in each container. Kept in the pod's directory, so that a kubelet that starts anew knows.
 */
export class Allocations {
  readonly #deps: AllocationsDeps;
  readonly #pods = new Map<string, Allocation>();

  constructor(deps: AllocationsDeps) {
    this.#deps = deps;
  }

  /** At first sight: grants what the pod has already or, to one that has nothing yet, what it asks for if it fits. */
  admit(pod: Pod, runtime: RuntimePod): Rejection | undefined {
    const uid = pod.metadata.uid!;
    const known = this.#pods.get(uid);
    if (known) {
      known.pod = pod;
      return undefined;
    }
    const saved = this.#load(uid);
    const isNew = runtime.containers.length === 0 && (pod.status?.containerStatuses ?? []).length === 0;
    if (isNew) {
      const others = this.#others(uid);
      const rejection = doesNotFit(pod, others, this.#deps.capacity) ?? portTaken(pod, others);
      if (rejection) return rejection;
    }
    const applied = new Map(Object.entries(saved?.applied ?? {}));
    this.#pods.set(uid, { pod, granted: saved?.granted ?? startedWith(pod, runtime), applied, waits: false });
    return undefined;
  }

  /** Whom a critical pod that was not admitted makes room with; undefined: that would not help. */
  toPreempt(pod: Pod): Pod[] | undefined {
    const others = this.#others(pod.metadata.uid!);
    if (portTaken(pod, others)) return undefined;
    return podsToPreempt(pod, others, shortage(pod, others, this.#deps.capacity));
  }

  /** The pod with what it was granted in the place of what it asks for. */
  granted(pod: Pod): Pod {
    const allocation = this.#pods.get(pod.metadata.uid!);
    return allocation ? withResources(pod, allocation.granted) : pod;
  }

  /**
   * Grants what the pod asks for now. `unchanged`: it has that. A rejection: not while the others have what they have;
   * `onFreed` will name the pod.
   */
  async resize(pod: Pod): Promise<'unchanged' | 'granted' | Rejection> {
    const uid = pod.metadata.uid!;
    const allocation = this.#pods.get(uid);
    if (!allocation) return 'unchanged';
    const asked = askedResources(pod);
    allocation.waits = false;
    if (sameResources(asked, allocation.granted)) {
      // Written in another way, or asked for otherwise than in cpu and memory: nothing has to be found for it.
      allocation.granted = asked;
      return 'unchanged';
    }
    const rejection = doesNotFit(pod, this.#others(uid), this.#deps.capacity);
    if (rejection) {
      allocation.waits = true;
      return rejection;
    }
    allocation.granted = asked;
    await this.#save(uid, allocation);
    this.#freed();
    return 'granted';
  }

  /** What a container has in fact; undefined where it is what it was started with. */
  applied(uid: string, containerId: string): Resources | undefined {
    return this.#pods.get(uid)?.applied.get(containerId);
  }

  async apply(uid: string, containerId: string, resources: Resources): Promise<void> {
    const allocation = this.#pods.get(uid);
    if (!allocation) return;
    allocation.applied.set(containerId, resources);
    await this.#save(uid, allocation);
  }

  /** The pod's containers have ended. */
  release(uid: string): void {
    if (this.#pods.delete(uid)) this.#freed();
  }

  #others(uid: string): Pod[] {
    return [...this.#pods]
      .filter(([other]) => other !== uid)
      .map(([, { pod, granted }]) => withResources(pod, granted));
  }

  #freed(): void {
    const waiting = [...this.#pods].filter(([, { waits }]) => waits).map(([uid]) => uid);
    if (waiting.length > 0) this.#deps.onFreed(waiting);
  }

  #load(uid: string): Saved | undefined {
    const path = this.#path(uid);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Saved) : undefined;
  }

  async #save(uid: string, { granted, applied }: Allocation): Promise<void> {
    const saved: Saved = { granted, applied: Object.fromEntries(applied) };
    const path = this.#path(uid);
    await mkdir(podDirectory(this.#deps.dirs, uid), { recursive: true, mode: 0o750 });
    await writeFile(`${path}.new`, JSON.stringify(saved), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  #path(uid: string): string {
    return join(podDirectory(this.#deps.dirs, uid), 'allocation.json');
  }
}

/** What containers of an earlier kubelet were started with; what was never started gets what is asked for. */
function startedWith(pod: Pod, runtime: RuntimePod): ContainerResources {
  const asked = askedResources(pod);
  const entries = Object.entries(asked).map(([name, own]) => [name, latestContainer(runtime, name)?.resources ?? own]);
  return Object.fromEntries(entries) as ContainerResources;
}
