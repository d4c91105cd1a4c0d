/**
 * kube-proxy: follows Services and EndpointSlices, and keeps the node's nftables table of one family as the plan says.
 *
 * Invariants: 1. one change is under way at a time; changes that come meanwhile are taken together by the next; 2. what
 * the kernel has is known exactly, or not at all (`#loaded`), and then the whole table is loaded; 3. each load is one
 * transaction, so traffic sees the old rules or the new ones (a first load of many Services is several); 4. what a change costs depends on the Services that changed.
 */
import type { Node, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { SyncLoop } from '../sync-loop.ts';
import { type HealthCheckPorts, healthCheckOf } from './health-check-ports.ts';
import type { ProxyHealth } from './health.ts';
import type { ProxyMetrics } from './metrics.ts';
import type { ProxyOptions } from './plan.ts';
import { deleteScript } from './ruleset.ts';
import { readyLocalEndpoints, servicePorts, type ServicePort } from './service-port.ts';
import { ServiceTable } from './service-table.ts';
import { conntrackArgs, staleUdpFlows } from './stale-flows.ts';

export interface ServiceProxyOptions extends ProxyOptions {
  readonly nodeName: string;
  /** Syncs are at least so far apart, but for two in a row (upstream's minSyncPeriod). Default 0: as soon as possible. */
  readonly minSyncPeriodMs?: number;
}

export interface ProxyDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Loads a script in one transaction. */
  readonly nft: (script: string) => Promise<unknown>;
  readonly conntrack: (args: readonly string[]) => Promise<unknown>;
  readonly log: (message: string) => void;
  readonly metrics?: ProxyMetrics;
  readonly health?: ProxyHealth;
  /** Served for the proxy's own family; one of two proxies has them. */
  readonly healthChecks?: HealthCheckPorts;
}

const zoneLabel = 'topology.kubernetes.io/zone';
/** On a slice: when the change that it shows began. */
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #deps: ProxyDeps;
  readonly #loop: SyncLoop;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #nodes: Informer<Node>;
  readonly #table: ServiceTable;
  readonly #family: 'IPv4' | 'IPv6';
  /** Services that changed since the last sync. */
  #dirty = new Set<string>();
  /** When the changes that wait began, as their slices say. */
  #triggers: number[] = [];
  /** Whether the kernel has the table as `#table` knows it. */
  #loaded = false;
  #zone: string | undefined;
  #synced = 0;

  constructor(options: ServiceProxyOptions, deps: ProxyDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#table = new ServiceTable(options);
    this.#family = options.family === 'ip' ? 'IPv4' : 'IPv6';
    this.#loop = new SyncLoop({
      ...deps,
      what: `proxy: table ${options.tableName}`,
      sync: () => this.#sync(),
      minPeriodMs: options.minSyncPeriodMs ?? 0,
    });
    this.#services = deps.informers.informer<Service>({ group: '', version: 'v1', resource: 'services' });
    this.#nodes = deps.informers.informer<Node>(
      { group: '', version: 'v1', resource: 'nodes' },
      { fieldSelector: `metadata.name=${options.nodeName}` },
    );
    this.#slices = deps.informers.informer<EndpointSlice>({
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
    });
  }

  /** Resolves when the first table is loaded; rejects when it cannot be. */
  async start(): Promise<void> {
    const { metrics } = this.#deps;
    this.#slices.addIndex('byService', (s) => [ownerOf(s)]);
    const onService = (service: DeepReadonly<Service>) => {
      metrics?.servicesTotal.inc();
      this.#touch(`${service.metadata.namespace}/${service.metadata.name}`);
    };
    const onSlice = (slice: DeepReadonly<EndpointSlice>) => {
      metrics?.endpointsTotal.inc();
      const trigger = Date.parse(slice.metadata.annotations?.[triggerAnnotation] ?? '');
      if (!Number.isNaN(trigger)) this.#triggers.push(trigger);
      this.#touch(ownerOf(slice));
    };
    this.#loop.defer(
      this.#services.addHandlers({
        onAdd: onService,
        onUpdate: (_, service) => onService(service),
        onDelete: onService,
      }),
    );
    this.#loop.defer(
      this.#slices.addHandlers({
        onAdd: onSlice,
        onUpdate: (old, slice) => {
          if (ownerOf(old) !== ownerOf(slice)) this.#touch(ownerOf(old));
          onSlice(slice);
        },
        onDelete: onSlice,
      }),
    );
    const onNode = (node: DeepReadonly<Node>) => this.#setNode(node);
    this.#loop.defer(this.#nodes.addHandlers({ onAdd: onNode, onUpdate: (_, node) => onNode(node), onDelete: onNode }));
    for (const informer of [this.#services, this.#slices, this.#nodes]) informer.start();
    await Promise.all([this.#services, this.#slices, this.#nodes].map((i) => i.whenSynced(this.#loop.signal)));
    // From the first load on, each change is its own cost; how long the way to the first was is nobody's measure.
    this.#triggers = [];
    await this.#loop.start();
  }

  /** Ends the following and removes the table. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#deps.healthChecks?.stop();
    await this.#deps.nft(deleteScript(this.#options.family, this.#options.tableName));
  }

  /** How many times the table was brought up to date. */
  get syncs(): number {
    return this.#synced;
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    this.#deps.health?.queued(this.#family);
    this.#deps.metrics?.lastQueued.set(this.#deps.clock.now() / 1000, [this.#family]);
    this.#loop.touch();
  }

  #setNode(node: DeepReadonly<Node>): void {
    this.#deps.health?.setNode(node);
    const zone = node.metadata.labels?.[zoneLabel];
    if (zone === this.#zone) return;
    this.#zone = zone;
    for (const { metadata } of this.#services.list()) this.#touch(`${metadata.namespace}/${metadata.name}`);
  }

  #portsOf(key: string): readonly ServicePort[] {
    const service = this.#services.get(key);
    if (!service) return [];
    const where = { nodeName: this.#options.nodeName, ...(this.#zone && { zone: this.#zone }) };
    return servicePorts([service], () => this.#slices.byIndex('byService', key), where, this.#family);
  }

  async #sync(): Promise<void> {
    const { clock, metrics, health, nft, healthChecks } = this.#deps;
    const startMs = clock.monotonicMs();
    const full = !this.#loaded;
    const dirty = this.#dirty;
    const triggers = this.#triggers.splice(0);
    this.#dirty = new Set();
    const before = [...dirty].flatMap((key) => this.#table.ports(key));
    const changes = new Map([...dirty].map((key) => [key, this.#portsOf(key)]));
    const change = this.#table.change(changes);
    const scripts = full ? this.#table.loadScripts() : [change].filter((script) => script !== '');
    if (scripts.length > 0) {
      this.#loaded = false;
      try {
        for (const script of scripts) await nft(script);
      } catch (error) {
        metrics?.failures.inc([this.#family]);
        for (const key of dirty) this.#dirty.add(key);
        throw error;
      }
    }
    this.#loaded = true;
    for (const key of dirty) {
      const service = this.#services.get(key);
      const slices = this.#slices.byIndex('byService', key).filter((s) => s.addressType === this.#family);
      const count = service ? readyLocalEndpoints(slices, this.#options.nodeName) : 0;
      healthChecks?.set(key, service && healthCheckOf(service, count));
    }
    // conntrack exits with 1 when there was no such flow, which is as good.
    for (const flow of staleUdpFlows(before, [...changes.values()].flat()))
      await this.#deps.conntrack(conntrackArgs(flow)).catch(() => {});
    this.#synced++;
    const now = clock.now();
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    for (const histogram of [metrics?.sync, full ? metrics?.fullSync : metrics?.partialSync])
      histogram?.observe(seconds, [this.#family]);
    for (const trigger of triggers) metrics?.programming.observe(Math.max(0, now - trigger) / 1000, [this.#family]);
    metrics?.lastSync.set(now / 1000, [this.#family]);
    if (this.#dirty.size === 0) health?.updated(this.#family);
  }
}

const ownerOf = (slice: DeepReadonly<EndpointSlice>): string =>
  `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
