/** Keeps APIServices true: makes our own, and looks after the availability and the discovery of the others. */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import { sleep } from '../../base/clock.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Loopback } from '../bootstrap/loopback.ts';
import type { Resource } from '../registry/resource.ts';
import type { Aggregator } from './aggregator.ts';
import type { RemoteVersion } from '../discovery/remote.ts';
import { apiServices, isAvailable } from './api-service.ts';
import { registerApiServices } from './auto-register.ts';
import { type AvailabilityDependencies, checkAvailability, type Verdict } from './availability.ts';
import { type DiscoveredResources, discoverRemote } from './remote-discovery.ts';
import { timeText } from '../../machinery/meta/time.ts';

/** How often each server is looked at though nothing has changed; one that fails, more often. */
const recheckMs = 30_000;
const retryMs = 5_000;

export interface AggregationDependencies extends AvailabilityDependencies {
  readonly aggregator: Aggregator;
  readonly loopback: Loopback;
  readonly resources: () => readonly Resource[];
  readonly onError: (error: unknown, what: string) => void;
}

export class AggregationController {
  readonly #deps: AggregationDependencies;
  /** Names to be looked at now; a wake-up ends the wait for more. */
  readonly #dirty = new Set<string>();
  readonly #dueMs = new Map<string, number>();
  readonly #discovered = new Map<string, DiscoveredResources>();
  #versions: readonly RemoteVersion[] | undefined;
  readonly #unsubscribe: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #registered: readonly Resource[] | undefined;

  constructor(deps: AggregationDependencies) {
    this.#deps = deps;
  }

  /** What others serve, as last heard: the same array until something has changed. */
  remoteVersions(): readonly RemoteVersion[] {
    this.#versions ??= Array.from(this.#deps.aggregator.remotes().values(), (service) => ({
      group: service.spec!.group ?? '',
      version: service.spec!.version ?? '',
      groupPriority: service.spec!.groupPriorityMinimum ?? 0,
      versionPriority: service.spec!.versionPriority ?? 0,
      current: isAvailable(service) && this.#discovered.has(service.metadata.name!),
      resources: this.#discovered.get(service.metadata.name!) ?? [],
    }));
    return this.#versions;
  }

  /** The built-in APIServices; resolves when they are there. */
  async registerAtStart(): Promise<void> {
    this.#registered = this.#deps.resources();
    await registerApiServices(this.#deps.loopback, this.#existing(), this.#registered, true);
  }

  async run(signal: AbortSignal): Promise<void> {
    const lookup = this.#deps.lookup();
    this.#unsubscribe.push(
      lookup.subscribe<APIService>(apiServices.group, apiServices.resource, (now, old) => {
        this.#versions = undefined;
        // What we write ourselves is the status: no reason to look again.
        if (now && old && JSON.stringify(now.spec) === JSON.stringify(old.spec)) return;
        this.#mark((now ?? old)!.metadata.name!);
      }),
      lookup.subscribe<Service>('', 'services', (now, old) => this.#markBackends((now ?? old)!.metadata)),
      lookup.subscribe<EndpointSlice>('discovery.k8s.io', 'endpointslices', (now, old) => {
        const { namespace, labels } = (now ?? old)!.metadata;
        this.#markBackends({ namespace, name: labels?.['kubernetes.io/service-name'] });
      }),
    );
    for (const { metadata } of this.#deps.aggregator.remotes().values()) this.#dirty.add(metadata.name!);
    try {
      while (!signal.aborted) {
        await this.#round(signal);
        await this.#untilNext(signal);
      }
    } finally {
      for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    }
  }

  /** Told of custom resources that came or went: their APIServices follow. */
  resourcesChanged(): void {
    this.#wakeUp();
  }

  async #round(signal: AbortSignal): Promise<void> {
    await this.#registerChanged();
    const names = [...this.#dirty];
    this.#dirty.clear();
    await Promise.all(names.map((name) => this.#sync(name, signal)));
  }

  async #registerChanged(): Promise<void> {
    const resources = this.#deps.resources();
    if (resources === this.#registered) return;
    try {
      await registerApiServices(this.#deps.loopback, this.#existing(), resources, false);
      this.#registered = resources;
    } catch (error) {
      this.#deps.onError(error, 'registering APIServices');
    }
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    const service = this.#deps.lookup().get<APIService>(apiServices.group, apiServices.resource, '', name);
    if (!service?.spec?.service) {
      this.#dueMs.delete(name);
      this.#discovered.delete(name);
      return;
    }
    let verdict: Verdict;
    try {
      verdict = await checkAvailability(service, this.#deps, signal);
      if (verdict.status === 'True') {
        const heard = await discoverRemote(service, this.#deps, signal);
        if (JSON.stringify(heard) !== JSON.stringify(this.#discovered.get(name))) this.#versions = undefined;
        this.#discovered.set(name, heard);
      }
      if (signal.aborted) return;
      await this.#tell(service, verdict);
      this.#dueMs.set(name, this.#deps.clock.now() + (verdict.status === 'True' ? recheckMs : retryMs));
    } catch (error) {
      this.#dueMs.set(name, this.#deps.clock.now() + retryMs);
      if (!signal.aborted && !isConflict(error) && !isNotFound(error))
        this.#deps.onError(error, `looking after APIService ${name}`);
    }
  }

  async #tell(service: APIService, verdict: Verdict): Promise<void> {
    const conditions = service.status?.conditions ?? [];
    const old = conditions.find((c) => c.type === 'Available');
    if (old?.status === verdict.status && old.reason === verdict.reason && old.message === verdict.message) return;
    const lastTransitionTime =
      old?.status === verdict.status && old.lastTransitionTime
        ? old.lastTransitionTime
        : timeText(this.#deps.clock.now());
    const changed: APIService = {
      ...service,
      status: {
        ...service.status,
        conditions: [
          ...conditions.filter((c) => c.type !== 'Available'),
          { type: 'Available', ...verdict, lastTransitionTime },
        ],
      },
    };
    await this.#deps.loopback.update(apiServices, changed as KubeObject, 'status');
  }

  #existing(): readonly APIService[] {
    return this.#deps.lookup().list<APIService>(apiServices.group, apiServices.resource);
  }

  #markBackends({ namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined }) {
    for (const { spec, metadata } of this.#deps.aggregator.remotes().values())
      if (spec!.service!.namespace === namespace && spec!.service!.name === name) this.#mark(metadata.name!);
  }

  #mark(name: string): void {
    this.#dirty.add(name);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
  }

  /** Until something has changed, or the next check is due. */
  async #untilNext(signal: AbortSignal): Promise<void> {
    if (this.#dirty.size > 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const stop = () => woken.abort();
    signal.addEventListener('abort', stop, { once: true });
    const nowMs = this.#deps.clock.now();
    // Nothing to look after: nothing to wake up for.
    const next = Math.min(...this.#dueMs.values());
    try {
      if (signal.aborted) return;
      if (next === Number.POSITIVE_INFINITY) await aborted(woken.signal);
      else await sleep(this.#deps.clock, Math.max(0, next - nowMs), woken.signal, 'apiserver: availability');
    } catch {
      // Woken, or over: the loop looks which.
    } finally {
      this.#wake = undefined;
      signal.removeEventListener('abort', stop);
    }
    for (const [name, dueMs] of this.#dueMs) if (dueMs <= this.#deps.clock.now()) this.#dirty.add(name);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
