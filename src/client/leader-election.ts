/**
 * One of several replicas of a component works, the others wait: by a Lease that the leader renews.
 *
 * A lease counts from when this process last saw it change, on this process' own clock: clocks of other machines may be
 * off. The leader that could not renew for `renewDeadlineMs` steps down before others may take over after
 * `leaseDurationMs`; it must be stopped within the difference.
 */
import { type Clock, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { isNotFound } from '../machinery/status/is.ts';
import type { Client, ResourceClient } from './client.ts';

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace: string;
  readonly name: string;
  /** Unlike that of any other replica, ever: `host_uuid`. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** Works until its signal is aborted: leadership was lost, or the election stopped. Its end gives leadership up. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly onError?: (error: unknown) => void;
}

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

type Lease = KubeObject & { spec?: LeaseSpec };

/** Waits between tries are stretched by up to this, so that replicas do not try together. */
const jitter = 1.2;

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #leases: ResourceClient<Lease>;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  /** What was last seen, and when that was. */
  #observed: { readonly record: string; readonly atMs: number } | undefined;
  #isLeader = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leases = options.client
      .resource<Lease>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' })
      .namespace(options.namespace);
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (this.#leaseDurationMs <= this.#renewDeadlineMs)
      throw new Error(
        `leader election: the lease (${this.#leaseDurationMs} ms) must last longer than the renew deadline (${this.#renewDeadlineMs} ms)`,
      );
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Waits for leadership, leads, and resolves once leadership has ended. Rejects when `signal` is aborted before. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onError } = this.#options;
    const tryAcquire = () =>
      this.#tryAcquireOrRenew().catch((error) => {
        onError?.(error);
        return false;
      });
    while (!(await tryAcquire()))
      await sleep(clock, this.#retryPeriodMs * (1 + jitter * random.next()), signal, 'leader election: wait');

    const leading = new AbortController();
    const onAbort = () => leading.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#isLeader = true;
    const renewing = this.#renew(leading);
    try {
      await this.#options.lead(leading.signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      leading.abort();
      await renewing;
      this.#isLeader = false;
      await this.#release().catch((error) => onError?.(error));
    }
  }

  async #renew(leading: AbortController): Promise<void> {
    const { clock, onError } = this.#options;
    let renewedMs = clock.monotonicMs();
    for (;;) {
      try {
        await sleep(clock, this.#retryPeriodMs, leading.signal, 'leader election: renew');
      } catch {
        return;
      }
      let why = 'another holds the lease';
      try {
        if (await this.#tryAcquireOrRenew()) {
          renewedMs = clock.monotonicMs();
          continue;
        }
      } catch (error) {
        why = messageOf(error);
        onError?.(error);
      }
      if (clock.monotonicMs() - renewedMs >= this.#renewDeadlineMs) {
        leading.abort(new Error(`leader election: the lease was not renewed in ${this.#renewDeadlineMs} ms: ${why}`));
        return;
      }
    }
  }

  /** True when the lease is now held by this process. */
  async #tryAcquireOrRenew(): Promise<boolean> {
    const { clock, identity, name, namespace } = this.#options;
    const now = microTime(clock.now());
    const leaseDurationSeconds = Math.round(this.#leaseDurationMs / 1000);
    let lease: Lease;
    try {
      lease = await this.#leases.get(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      };
      this.#observe(
        await this.#leases.create({
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name, namespace },
          spec,
        }),
      );
      return true;
    }
    this.#observe(lease);
    const spec = lease.spec ?? {};
    const isMine = spec.holderIdentity === identity;
    const heldMs = (spec.leaseDurationSeconds ?? 0) * 1000;
    if (spec.holderIdentity && !isMine && clock.monotonicMs() - this.#observed!.atMs < heldMs) return false;
    const updated = await this.#leases.update({
      ...lease,
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds,
        acquireTime: isMine && spec.acquireTime ? spec.acquireTime : now,
        renewTime: now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (isMine ? 0 : 1),
      },
    });
    this.#observe(updated);
    return true;
  }

  /** Lets others take over at once. */
  async #release(): Promise<void> {
    const { clock, identity, name } = this.#options;
    const lease = await this.#leases.get(name);
    if (lease.spec?.holderIdentity !== identity) return;
    const now = microTime(clock.now());
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    await this.#leases.update({ ...lease, spec });
  }

  #observe(lease: Lease): void {
    const record = JSON.stringify(lease.spec ?? {});
    if (this.#observed?.record !== record) this.#observed = { record, atMs: this.#options.clock.monotonicMs() };
  }
}

/** meta/v1 MicroTime: exactly six decimals. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
