import type { PodWorkers } from '../pods/pod-workers.ts';
import type { RuntimePodReader } from '../pods/runtime-pod.ts';
import type { Pod } from '../types.ts';
import type { ServedContainer, ServedPods } from './served-pods.ts';

/** The node's own pods, as the server asks for them. */
export class NodePods implements ServedPods {
  readonly #workers: PodWorkers;
  readonly #reader: RuntimePodReader;

  constructor(workers: PodWorkers, reader: RuntimePodReader) {
    this.#workers = workers;
    this.#reader = reader;
  }

  list(): readonly Pod[] {
    return this.#workers.pods();
  }

  get(namespace: string, name: string): Pod | undefined {
    return this.#workers.pods().find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  }

  async container(pod: Pod, name: string, previous: boolean): Promise<ServedContainer | undefined> {
    const uid = pod.metadata.uid!;
    const { containers } = await this.#reader.read(uid);
    const begun = containers.filter((c) => c.name === name && c.state !== 'created');
    const [latest, before] = begun;
    // While a crashed container waits for its restart, its last run is the newest there is, and the previous one too.
    const found = previous
      ? (before ?? (latest?.state === 'exited' && latest.restartCount > 0 ? latest : undefined))
      : latest;
    if (!found) return undefined;
    return {
      id: found.id,
      running: found.state === 'running',
      logPath: found.logPath,
      ended: (signal) => this.#ended(uid, found.id, signal),
    };
  }

  async sandboxId(pod: Pod): Promise<string | undefined> {
    const { sandboxes } = await this.#reader.read(pod.metadata.uid!);
    return sandboxes.find(({ ready }) => ready)?.id;
  }

  async #ended(uid: string, id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      // Asked for before the look: what happens between the two is not missed.
      const change = this.#workers.nextChange(uid, signal);
      change.catch(() => {});
      const { containers } = await this.#reader.read(uid);
      if (!containers.some((container) => container.id === id && container.state === 'running')) return;
      await change;
    }
  }
}
