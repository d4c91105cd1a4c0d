/**
 * kube-proxy: follows Services and EndpointSlices, and keeps the node's nftables table as the plan says.
 *
 * Invariants: 1. one change is under way at a time; changes that come meanwhile are taken together by the next; 2. what
 * the kernel has is known exactly (`#applied`), or not at all, and then the whole table is loaded; 3. each load is one
 * transaction, so traffic sees the old rules or the new ones.
 */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { sleep, type Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
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

/** After a load that failed: the next try waits so long, and then loads the whole table. */
const retryMs = 1_000;

export class ServiceProxy {
  readonly #options: ProxyOptions & { readonly nodeName: string };
  readonly #deps: ProxyDeps;
  readonly #lifetime: Lifetime;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  #applied: NftTable | undefined;
  #ports: readonly ServicePort[] = [];
  #dirty = true;
  #wake: () => void = () => {};
  #synced = 0;
  readonly #watchers = new Set<() => void>();

  constructor(options: ProxyOptions & { readonly nodeName: string }, deps: ProxyDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#lifetime = new Lifetime((error) => deps.log(`proxy: ${messageOf(error)}`));
    this.#services = deps.informers.informer<Service>({ group: '', version: 'v1', resource: 'services' });
    this.#slices = deps.informers.informer<EndpointSlice>({
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
    });
  }

  /** Resolves when the first table is loaded. */
  async start(): Promise<void> {
    const touch = () => {
      this.#dirty = true;
      this.#wake();
    };
    const handlers = { onAdd: touch, onUpdate: touch, onDelete: touch };
    this.#slices.addIndex('byService', (s) => [serviceKey(s)]);
    this.#lifetime.defer(this.#services.addHandlers(handlers));
    this.#lifetime.defer(this.#slices.addHandlers(handlers));
    for (const informer of [this.#services, this.#slices]) informer.start();
    await Promise.all([this.#services, this.#slices].map((i) => i.whenSynced(this.#lifetime.signal)));
    const first = new Promise<void>((resolve) => this.#watchers.add(resolve));
    this.#lifetime.spawn((signal) => this.#run(signal));
    await first;
  }

  /** Ends the following and removes the table. */
  async stop(): Promise<void> {
    this.#wake();
    await this.#lifetime.stop();
    await this.#deps.nft(deleteScript(this.#options.family, this.#options.tableName));
  }

  /** How many times the table was brought up to date. */
  get syncs(): number {
    return this.#synced;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const wakeUp = () => this.#wake();
    signal.addEventListener('abort', wakeUp, { once: true });
    while (!signal.aborted) {
      if (!this.#dirty) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      this.#dirty = false;
      try {
        await this.#sync();
      } catch (error) {
        this.#deps.log(`proxy: loading the table ${this.#options.tableName}: ${messageOf(error)}; trying again`);
        this.#applied = undefined;
        this.#dirty = true;
        await sleep(this.#deps.clock, retryMs, signal, 'proxy retry');
      }
    }
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
    if (script !== '') await this.#deps.nft(script);
    this.#applied = table;
    const stale = staleUdpFlows(this.#ports, ports);
    this.#ports = ports;
    // conntrack exits with 1 when there was no such flow, which is as good.
    for (const flow of stale) await this.#deps.conntrack(conntrackArgs(flow)).catch(() => {});
    this.#synced++;
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

const serviceKey = (slice: {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}) => `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
