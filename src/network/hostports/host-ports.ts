/** Serves the host ports of this node's pods: follows the pods, and keeps an nftables table as the plan says. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import { createScript, deleteScript, updateScript, type NftTable } from '../proxy/ruleset.ts';
import { conntrackArgs } from '../proxy/stale-flows.ts';
import { SyncLoop } from '../sync-loop.ts';
import { hostPorts, planHostPorts, type HostPort } from './plan.ts';

export interface HostPortsDeps {
  /** Of this node's pods and no others; started and stopped by whoever made it. */
  readonly pods: Informer<Pod>;
  readonly clock: Clock;
  /** Loads a script in one transaction. */
  readonly nft: (script: string) => Promise<unknown>;
  readonly conntrack: (args: readonly string[]) => Promise<unknown>;
  readonly log: (message: string) => void;
}

export class HostPorts {
  readonly #tableName: string;
  readonly #deps: HostPortsDeps;
  readonly #loop: SyncLoop;
  /** What the kernel has; undefined: not known, and then the whole table is loaded. */
  #applied: NftTable | undefined;
  #ports: readonly HostPort[] = [];

  constructor(tableName: string, deps: HostPortsDeps) {
    this.#tableName = tableName;
    this.#deps = deps;
    this.#loop = new SyncLoop({ ...deps, what: 'host ports', sync: () => this.#sync() });
  }

  /** Resolves when the first table is loaded; rejects when it cannot be. */
  async start(): Promise<void> {
    this.#loop.follow(this.#deps.pods);
    await this.#deps.pods.whenSynced(this.#loop.signal);
    await this.#loop.start();
  }

  /** Ends the following and removes the table. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#deps.nft(deleteScript('ip', this.#tableName));
  }

  async #sync(): Promise<void> {
    const ports = hostPorts(this.#deps.pods.list());
    const table = planHostPorts(ports, this.#tableName);
    const script = this.#applied ? updateScript(this.#applied, table) : createScript(table);
    if (script !== '') {
      this.#applied = undefined;
      await this.#deps.nft(script);
    }
    this.#applied = table;
    const flows = changedUdp(this.#ports, ports);
    this.#ports = ports;
    // conntrack exits with 1 when there was no such flow, which is as good.
    for (const { hostIp: address, hostPort: port } of flows)
      await this.#deps.conntrack(conntrackArgs({ address, port, endpointIp: undefined })).catch(() => {});
  }
}

/** UDP flows go on to where they went first: those of a port that came, went or moved are to be forgotten. */
export function changedUdp(before: readonly HostPort[], after: readonly HostPort[]): HostPort[] {
  const keys = (ports: readonly HostPort[]) => new Set(ports.map((port) => JSON.stringify(port)));
  const [old, now] = [keys(before), keys(after)];
  const changed = [
    ...before.filter((p) => !now.has(JSON.stringify(p))),
    ...after.filter((p) => !old.has(JSON.stringify(p))),
  ];
  return changed.filter(({ protocol }) => protocol === 'udp');
}
