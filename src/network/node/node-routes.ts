/** The host's routes to the pods of nodes that live beside it on the fabric: kept as the Node objects say. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { contains, parseCidr } from '../cidr.ts';
import { SyncLoop } from '../sync-loop.ts';

export interface NodeRoutesDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Runs `ip` with these arguments. */
  readonly ip: (args: readonly string[]) => Promise<unknown>;
  readonly log: (message: string) => void;
}

/** Pure: pod network to the address that leads there, for every node whose address is one of the fabric's. */
export function planRoutes(nodes: Iterable<DeepReadonly<Node>>, fabricCidr: string): Map<string, string> {
  const fabric = parseCidr(fabricCidr);
  const routes = new Map<string, string>();
  for (const node of nodes) {
    const address = node.status?.addresses?.find((a) => a.type === 'InternalIP' && !a.address.includes(':'))?.address;
    const podCidr = node.spec?.podCIDR;
    if (podCidr && address && contains(fabric, address)) routes.set(podCidr, address);
  }
  return routes;
}

/** Follows the Nodes. What it has set stays when it stops: routes go with the fabric's bridge. */
export class NodeRoutes {
  readonly #fabricCidr: string;
  readonly #deps: NodeRoutesDeps;
  readonly #loop: SyncLoop;
  readonly #nodes: Informer<Node>;
  #applied = new Map<string, string>();

  constructor(fabricCidr: string, deps: NodeRoutesDeps) {
    this.#fabricCidr = fabricCidr;
    this.#deps = deps;
    this.#loop = new SyncLoop({ ...deps, what: 'routes to nodes', sync: () => this.#sync() });
    this.#nodes = deps.informers.informer<Node>({ group: '', version: 'v1', resource: 'nodes' });
  }

  /** Resolves when the routes to the nodes known by now are there. */
  async start(): Promise<void> {
    this.#loop.follow(this.#nodes);
    this.#nodes.start();
    await this.#nodes.whenSynced(this.#loop.signal);
    await this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(): Promise<void> {
    const wanted = planRoutes(this.#nodes.list(), this.#fabricCidr);
    for (const [podCidr, address] of wanted) {
      if (this.#applied.get(podCidr) === address) continue;
      await this.#deps.ip(['route', 'replace', podCidr, 'via', address]);
      this.#applied.set(podCidr, address);
    }
    for (const [podCidr, address] of [...this.#applied]) {
      if (wanted.has(podCidr)) continue;
      // Whoever deleted the route before us has done our work.
      await this.#deps.ip(['route', 'delete', podCidr, 'via', address]).catch(() => {});
      this.#applied.delete(podCidr);
    }
  }
}
