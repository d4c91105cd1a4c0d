/** Keeps the ways to the pods of other nodes, by a tunnel: follows the Nodes. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import { tunnelLink } from '../names.ts';
import { SyncLoop } from '../sync-loop.ts';
import {
  type NetworkCommand,
  type Peer,
  peerCommands,
  peersOf,
  tunnelCommand,
  type TunnelOptions,
  tunnelSettings,
  withoutPeer,
} from './plan.ts';

export interface PodRoutesDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Runs ip(8) or bridge(8). */
  readonly run: (command: NetworkCommand) => Promise<unknown>;
  readonly log: (message: string) => void;
}

export class PodRoutes {
  readonly #options: TunnelOptions;
  readonly #deps: PodRoutesDeps;
  readonly #loop: SyncLoop;
  readonly #nodes: Informer<Node>;
  readonly #applied = new Map<string, Peer>();

  constructor(options: TunnelOptions, deps: PodRoutesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loop = new SyncLoop({ ...deps, what: `routes by ${options.mode}`, sync: () => this.#sync() });
    this.#nodes = deps.informers.informer<Node>({ group: '', version: 'v1', resource: 'nodes' });
  }

  /** Resolves when the ways to the nodes known by now are there; rejects, naming it, when the kernel has no such tunnel. */
  async start(): Promise<void> {
    const { id, mode } = this.#options;
    const ip = (args: readonly string[]) => this.#deps.run({ tool: 'ip', args });
    // Made anew: one that an earlier run left may have other settings.
    await ip(['link', 'delete', tunnelLink(id)]).catch(() => {});
    try {
      await ip(tunnelCommand(this.#options));
    } catch (cause) {
      throw new Error(
        `--route-mode ${mode}: this host makes no such tunnel (${messageOf(cause)}); load the kernel module ${mode}, or choose another mode`,
        { cause },
      );
    }
    for (const args of tunnelSettings(this.#options)) await ip(args);
    this.#loop.follow(this.#nodes);
    this.#nodes.start();
    await this.#nodes.whenSynced(this.#loop.signal);
    await this.#loop.start();
  }

  /** Takes the tunnel away, and with it all that leads there. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#deps.run({ tool: 'ip', args: ['link', 'delete', tunnelLink(this.#options.id)] }).catch(() => {});
  }

  async #sync(): Promise<void> {
    const wanted = peersOf(this.#nodes.list(), this.#options.nodeName);
    for (const [name, peer] of [...this.#applied]) {
      const now = wanted.get(name);
      if (now && now.nodeIp === peer.nodeIp && now.podCidr === peer.podCidr) continue;
      for (const command of withoutPeer(this.#options, peer)) await this.#deps.run(command).catch(() => {});
      this.#applied.delete(name);
    }
    for (const [name, peer] of wanted) {
      if (this.#applied.has(name)) continue;
      for (const command of peerCommands(this.#options, peer)) await this.#deps.run(command);
      this.#applied.set(name, peer);
    }
  }
}
