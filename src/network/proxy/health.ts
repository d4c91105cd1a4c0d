/** Whether this proxy does its work: what load balancers and supervisors ask before they send traffic, or restart it. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

export interface HealthAnswer {
  readonly healthy: boolean;
  readonly body: string;
}

/** Healthy while no change has waited longer than `timeoutMs` for its rules; nothing to do is healthy. */
export class ProxyHealth {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** By family: since when something waits. */
  readonly #waiting = new Map<string, number>();
  readonly #updated = new Map<string, number>();
  #nodeLeaves = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  queued(family: string): void {
    if (!this.#waiting.has(family)) this.#waiting.set(family, this.#clock.now());
  }

  updated(family: string): void {
    this.#waiting.delete(family);
    this.#updated.set(family, this.#clock.now());
  }

  /** A node that goes takes no new connections from outside, though its rules are in order. */
  setNode(node: DeepReadonly<Node> | undefined): void {
    const leaving = node?.metadata.deletionTimestamp !== undefined;
    this.#nodeLeaves = leaving || (node?.spec?.taints?.some((t) => t.key === toBeDeletedTaint) ?? false);
  }

  get rulesCurrent(): boolean {
    const now = this.#clock.now();
    return this.#updated.size > 0 && [...this.#waiting.values()].every((since) => now - since <= this.#timeoutMs);
  }

  /** Upstream's body. `livez` leaves the node aside. */
  answer(path: 'healthz' | 'livez'): HealthAnswer {
    const now = this.#clock.now();
    const current = this.rulesCurrent;
    // In health it says now, as upstream does: scripts compare it to the clock.
    const last = current ? now : Math.max(0, ...this.#updated.values());
    const node = path === 'healthz' ? { nodeHealthy: !this.#nodeLeaves } : {};
    const body = JSON.stringify({
      lastUpdated: new Date(last).toISOString(),
      currentTime: new Date(now).toISOString(),
      ...node,
    });
    return { healthy: current && (path === 'livez' || !this.#nodeLeaves), body };
  }
}
