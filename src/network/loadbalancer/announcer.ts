/**
 * Announces addresses of load balancers on the node's segment: follows the Services, and holds the addresses of those that
 * name this node. An address that the node has is answered for by the kernel, on every link; so it is put on the pod bridge,
 * with which it goes whatever happens to us.
 */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { SyncLoop } from '../sync-loop.ts';

export interface AnnouncerOptions {
  readonly nodeName: string;
  readonly bridge: string;
}

export interface AnnouncerDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Runs `ip` with these arguments. */
  readonly ip: (args: readonly string[]) => Promise<unknown>;
  /** Tells the segment that this node has the address now. */
  readonly tell: (address: string) => Promise<void>;
  readonly log: (message: string) => void;
}

export const announcedByAnnotation = 'skiff.dev/announced-by';

/** Pure. IPv4 alone: the segment is told by ARP. */
export function announcedAddresses(services: Iterable<DeepReadonly<Service>>, nodeName: string): Set<string> {
  const found = new Set<string>();
  for (const { metadata, spec, status } of services) {
    if (spec?.type !== 'LoadBalancer' || metadata.annotations?.[announcedByAnnotation] !== nodeName) continue;
    for (const { ip } of status?.loadBalancer?.ingress ?? []) if (ip && !ip.includes(':')) found.add(ip);
  }
  return found;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #deps: AnnouncerDeps;
  readonly #loop: SyncLoop;
  readonly #services: Informer<Service>;
  readonly #held = new Set<string>();

  constructor(options: AnnouncerOptions, deps: AnnouncerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loop = new SyncLoop({ ...deps, what: 'addresses of load balancers', sync: () => this.#sync() });
    this.#services = deps.informers.informer<Service>({ group: '', version: 'v1', resource: 'services' });
  }

  async start(): Promise<void> {
    this.#loop.follow(this.#services);
    this.#services.start();
    await this.#services.whenSynced(this.#loop.signal);
    await this.#loop.start();
  }

  /** Gives the addresses up: others may announce them. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    for (const address of this.#held) await this.#drop(address);
  }

  async #sync(): Promise<void> {
    const wanted = announcedAddresses(this.#services.list(), this.#options.nodeName);
    for (const address of [...this.#held]) if (!wanted.has(address)) await this.#drop(address);
    for (const address of wanted) {
      if (this.#held.has(address)) continue;
      await this.#deps.ip(['addr', 'replace', `${address}/32`, 'dev', this.#options.bridge]);
      this.#held.add(address);
      await this.#deps.tell(address);
    }
  }

  async #drop(address: string): Promise<void> {
    // Gone with its bridge, or by another's hand: as good.
    await this.#deps.ip(['addr', 'delete', `${address}/32`, 'dev', this.#options.bridge]).catch(() => {});
    this.#held.delete(address);
  }
}
