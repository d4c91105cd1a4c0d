/**
 * kube-proxy: follows Services and EndpointSlices, and keeps the node's nftables table as the plan says.
 *
 * Invariants: 1. one change is under way at a time; changes that come meanwhile are taken together by the next; 2. what
 * the kernel has is known exactly (`#applied`), or not at all, and then the whole table is loaded; 3. each load is one
 * transaction, so traffic sees the old rules or the new ones.
 */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import { SyncLoop } from '../sync-loop.ts';
import { planTable, type ProxyOptions } from './plan.ts';
import { createScript, deleteScript, updateScript, type NftTable } from './ruleset.ts';
import { servicePorts, type ServicePort } from './service-port.ts';
import { conntrackArgs, staleUdpFlows } from './stale-flows.ts';

export interface ProxyDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Loads a script in one transaction. */
  readonly nft: (script: string) => Promise<unknown>;
  readonly conntrack: (args: readonly string[]) => Promise<unknown>;
  readonly log: (message: string) => void;
}

export class ServiceProxy {
  readonly #options: ProxyOptions & { readonly nodeName: string };
  readonly #deps: ProxyDeps;
  readonly #loop: SyncLoop;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  #applied: NftTable | undefined;
  #ports: readonly ServicePort[] = [];
  #synced = 0;

  constructor(options: ProxyOptions & { readonly nodeName: string }, deps: ProxyDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loop = new SyncLoop({ ...deps, what: `proxy: table ${options.tableName}`, sync: () => this.#sync() });
    this.#services = deps.informers.informer<Service>({ group: '', version: 'v1', resource: 'services' });
    this.#slices = deps.informers.informer<EndpointSlice>({
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
    });
  }

  /** Resolves when the first table is loaded; rejects when it cannot be. */
  async start(): Promise<void> {
    this.#slices.addIndex('byService', (s) => [serviceKey(s)]);
    for (const informer of [this.#services, this.#slices]) {
      this.#loop.follow(informer);
      informer.start();
    }
    await Promise.all([this.#services, this.#slices].map((i) => i.whenSynced(this.#loop.signal)));
    await this.#loop.start();
  }

  /** Ends the following and removes the table. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#deps.nft(deleteScript(this.#options.family, this.#options.tableName));
  }

  /** How many times the table was brought up to date. */
  get syncs(): number {
    return this.#synced;
  }

  async #sync(): Promise<void> {
    const ports = servicePorts(
      this.#services.list(),
      (namespace, service) => this.#slices.byIndex('byService', `${namespace}/${service}`),
      this.#options.nodeName,
      this.#options.family === 'ip' ? 'IPv4' : 'IPv6',
    );
    const table = planTable(ports, this.#options);
    const script = this.#applied ? updateScript(this.#applied, table) : createScript(table);
    if (script !== '') {
      this.#applied = undefined;
      await this.#deps.nft(script);
    }
    this.#applied = table;
    const stale = staleUdpFlows(this.#ports, ports);
    this.#ports = ports;
    // conntrack exits with 1 when there was no such flow, which is as good.
    for (const flow of stale) await this.#deps.conntrack(conntrackArgs(flow)).catch(() => {});
    this.#synced++;
  }
}

const serviceKey = (slice: {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}) => `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
