/**
 * The Lease that shows that a node lives: renewed every 10 s, taken for dead 40 s after the last time, as the kubelet's.
 * A renewal never waits for pod work.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { ResourceClient } from '../../client/client.ts';
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../machinery/status/is.ts';

const leaseDurationSeconds = 40;
const renewMs = 10_000;
/** Renewals of many nodes drift apart by up to this share. */
const jitter = 0.04;
/** After a failed renewal, doubling up to the usual interval. */
const firstRetryMs = 200;

export interface LeaseOptions {
  readonly nodeName: string;
  readonly nodeUid: string;
  /** leases in kube-node-lease. */
  readonly client: ResourceClient<Lease>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError?: (error: unknown) => void;
}

export class NodeLease {
  readonly #options: LeaseOptions;
  readonly #abort = new AbortController();
  #lease: Lease | undefined;
  #timer: Timer | undefined;
  #retryMs = firstRetryMs;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#renewing = this.#renew();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#abort;
    const { clock, random, nodeName } = this.#options;
    let nextMs = renewMs * (1 + jitter * (2 * random.next() - 1));
    try {
      this.#lease = await this.#write(signal);
      this.#retryMs = firstRetryMs;
    } catch (error) {
      this.#lease = undefined;
      if (!signal.aborted) this.#options.onError?.(error);
      nextMs = Math.min(nextMs, this.#retryMs);
      this.#retryMs *= 2;
    }
    if (signal.aborted) return;
    this.#timer = clock.after(
      nextMs,
      () => {
        this.#renewing = this.#renew();
      },
      `lease of node ${nodeName}`,
    );
  }

  async #write(signal: AbortSignal): Promise<Lease> {
    const { client, nodeName, nodeUid, clock } = this.#options;
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds,
      renewTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
    };
    if (this.#lease !== undefined) {
      try {
        return await client.update({ ...this.#lease, spec: { ...this.#lease.spec, ...spec } }, { signal });
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid };
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: nodeName, namespace: 'kube-node-lease', ownerReferences: [owner] },
      spec,
    };
    try {
      return await client.create(lease, { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const old = await client.get(nodeName, { signal });
      return await client.update({ ...old, spec: { ...old.spec, ...spec } }, { signal });
    }
  }
}
