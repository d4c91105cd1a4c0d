/**
 * Quotas of namespaces: what a write adds is charged before it is stored, so that writes side by side never take more
 * than there is. What is given back, or was charged for a write that failed later, the controller counts.
 *
 * The requests of a namespace wait for each other. All that have come while the quotas were being written are decided
 * together on what is stored now, and charged by one write a quota:
 *
 *   waiting [a b c]  --decide in order-->  a fits, b is refused, c fits  --write used + a + c-->  a and c go on
 *                                                    ^                            |
 *                                                    +---- a quota has changed ---+
 */
import type { ResourceQuota } from '../../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../../base/clock.ts';
import { newConflict } from '../../../machinery/status/errors.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { canCharge, charge } from './charge.ts';

/** How the plugin sees and writes quotas. */
export interface QuotaStore {
  /** Resolves when look-ups show all that has been written. */
  caughtUp(): Promise<unknown>;
  /** Writes the status. False: the quota is not the one that was read any more. */
  writeStatus(quota: ResourceQuota): Promise<boolean>;
}

interface Waiter {
  readonly attributes: Attributes;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Rounds in which somebody else may write the quotas first; then the requests fail. */
const maxRounds = 4;

export class ResourceQuotaAdmission implements AdmissionPlugin {
  readonly name = 'ResourceQuota';
  readonly #lookup: () => Lookup;
  readonly #store: QuotaStore;
  readonly #clock: Clock;
  /** By namespace, while requests of it are decided: those that came since. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(lookup: () => Lookup, store: QuotaStore, clock: Clock) {
    this.#lookup = lookup;
    this.#store = store;
    this.#clock = clock;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE' || operation === 'UPDATE';
  }

  validate(attributes: Attributes): Promise<void> | void {
    const { namespace, resource } = attributes;
    // A namespace is no content of itself; events are never counted.
    if (namespace === '' || resource === 'events' || resource === 'namespaces' || !canCharge(attributes)) return;
    if (this.#quotas(namespace).length === 0) return;
    return new Promise((resolve, reject) => {
      const waiter = { attributes, resolve, reject };
      const waiting = this.#waiting.get(namespace);
      if (waiting) waiting.push(waiter);
      else {
        this.#waiting.set(namespace, []);
        void this.#serve(namespace, [waiter]);
      }
    });
  }

  #quotas(namespace: string): readonly ResourceQuota[] {
    return this.#lookup().list<ResourceQuota>('', 'resourcequotas', namespace);
  }

  async #serve(namespace: string, first: Waiter[]): Promise<void> {
    for (let batch = first; batch.length > 0; ) {
      try {
        await this.#decide(namespace, batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      batch = this.#waiting.get(namespace) ?? [];
      this.#waiting.set(namespace, []);
    }
    this.#waiting.delete(namespace);
  }

  async #decide(namespace: string, batch: readonly Waiter[]): Promise<void> {
    let open = batch;
    /** After the first round: those whose write came too late. */
    let left: ReadonlySet<string> | undefined;
    for (let round = 1; ; round++) {
      await this.#store.caughtUp();
      const quotas = this.#quotas(namespace).filter(({ metadata }) => !left || left.has(metadata.name!));
      const charged = this.#charge(quotas, open);
      const failed = await this.#write(charged.quotas);
      if (failed.size === 0) {
        for (const { resolve } of charged.allowed) resolve();
        return;
      }
      if (round === maxRounds)
        throw newConflict({ group: '', resource: 'resourcequotas' }, [...failed].sort().join(', '));
      open = charged.allowed;
      left = failed;
    }
  }

  /** Decides one after the other; those that are refused are told. */
  #charge(
    quotas: readonly ResourceQuota[],
    waiters: readonly Waiter[],
  ): { readonly quotas: readonly ResourceQuota[]; readonly allowed: readonly Waiter[] } {
    const byName = new Map(quotas.map((quota) => [quota.metadata.name!, quota]));
    const changed = new Set<string>();
    const allowed: Waiter[] = [];
    for (const waiter of waiters) {
      try {
        const used = charge([...byName.values()], waiter.attributes, this.#clock.now());
        allowed.push(waiter);
        if (waiter.attributes.dryRun) continue;
        for (const [name, amounts] of used) {
          const quota = byName.get(name)!;
          byName.set(name, { ...quota, status: { ...quota.status, used: amounts } });
          changed.add(name);
        }
      } catch (error) {
        waiter.reject(error);
      }
    }
    return { quotas: [...changed].map((name) => byName.get(name)!), allowed };
  }

  /** The names of those that have changed meanwhile. */
  async #write(quotas: readonly ResourceQuota[]): Promise<Set<string>> {
    const failed = new Set<string>();
    for (const quota of quotas) if (!(await this.#store.writeStatus(quota))) failed.add(quota.metadata.name!);
    return failed;
  }
}
