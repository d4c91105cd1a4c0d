/**
 * A profile's plugins, sorted by extension point, and how each point is run: in registration order, first rejection
 * wins, and the plugin's name goes onto its status.
 */
import { randomInt, type Random } from '../../base/random.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeToStatus } from './node-to-status.ts';
import { maxNodeScore } from './plugin.ts';
import type { Plugin, PluginHandle, PluginRegistration } from './plugin.ts';
import { Status } from './status.ts';

type With<K extends keyof Plugin> = Plugin & { readonly [P in K]-?: NonNullable<Plugin[P]> };

interface Weighted {
  readonly plugin: With<'score'>;
  readonly weight: number;
}

export interface PreFilterOutcome {
  readonly status?: Status;
  /** Absent: all nodes. */
  readonly nodeNames?: ReadonlySet<string>;
  /** Who narrowed the nodes down. */
  readonly narrowedBy: readonly string[];
}

export interface PermitOutcome {
  /** A rejection or an error. */
  readonly status?: Status;
  /** Who wants to wait, and how long at most. */
  readonly waits: ReadonlyMap<string, number>;
}

export class Framework {
  readonly plugins: readonly Plugin[];
  readonly #preFilter: readonly With<'preFilter'>[];
  readonly #filter: readonly With<'filter'>[];
  readonly #postFilter: readonly With<'postFilter'>[];
  readonly #preScore: readonly With<'preScore'>[];
  readonly #score: readonly Weighted[];
  readonly #reserve: readonly With<'reserve'>[];
  readonly #unreserve: readonly With<'unreserve'>[];
  readonly #permit: readonly With<'permit'>[];
  readonly #preBind: readonly With<'preBind'>[];
  readonly #bind: readonly With<'bind'>[];
  readonly #postBind: readonly With<'postBind'>[];

  constructor(registrations: readonly PluginRegistration[], handle: PluginHandle) {
    const made = registrations.map((r) => ({ plugin: r.create(handle), weight: r.weight ?? 1 }));
    this.plugins = made.map((m) => m.plugin);
    const at = <K extends keyof Plugin>(point: K) => this.plugins.filter((p) => p[point] !== undefined) as With<K>[];
    this.#preFilter = at('preFilter');
    this.#filter = at('filter');
    this.#postFilter = at('postFilter');
    this.#preScore = at('preScore');
    this.#score = made.filter((m) => m.plugin.score !== undefined) as Weighted[];
    this.#reserve = at('reserve');
    this.#unreserve = at('unreserve').reverse();
    this.#permit = at('permit');
    this.#preBind = at('preBind');
    this.#bind = at('bind');
    this.#postBind = at('postBind');
  }

  runPreFilter(state: CycleState, pod: PodInfo): PreFilterOutcome {
    let nodeNames: ReadonlySet<string> | undefined;
    const narrowedBy: string[] = [];
    for (const plugin of this.#preFilter) {
      const result = plugin.preFilter(state, pod);
      if (result?.status?.code === 'Skip') state.skipFilter.add(plugin.name);
      else if (result?.status !== undefined) return { status: signed(result.status, plugin), narrowedBy };
      if (result?.nodeNames === undefined) continue;
      narrowedBy.push(plugin.name);
      const before: ReadonlySet<string> | undefined = nodeNames;
      nodeNames = before ? new Set([...result.nodeNames].filter((n) => before.has(n))) : result.nodeNames;
      if (nodeNames.size === 0) {
        const names = narrowedBy.join(' ');
        const text =
          narrowedBy.length > 1
            ? `node(s) didn't satisfy plugin(s) [${names}] simultaneously`
            : `node(s) didn't satisfy plugin ${names}`;
        return { status: signed(new Status('UnschedulableAndUnresolvable', text), plugin), narrowedBy };
      }
    }
    return nodeNames === undefined ? { narrowedBy } : { nodeNames, narrowedBy };
  }

  /** Undefined: the pod fits the node. */
  runFilter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.#filter) {
      if (state.skipFilter.has(plugin.name)) continue;
      const status = plugin.filter(state, pod, node);
      if (status !== undefined) return signed(status, plugin);
    }
    return undefined;
  }

  /** Undefined: room is being made. A rejection carries what every plugin said. */
  runPostFilter(state: CycleState, pod: PodInfo, nodeToStatus: NodeToStatus): Status | undefined {
    const reasons: string[] = [];
    for (const plugin of this.#postFilter) {
      const status = plugin.postFilter(state, pod, nodeToStatus);
      if (status === undefined) return undefined;
      if (status.code === 'Error' || status.code === 'UnschedulableAndUnresolvable') return signed(status, plugin);
      reasons.push(...status.reasons);
    }
    return new Status('Unschedulable', ...reasons);
  }

  /** The node with the best weighted score; among equals a random one. Throws what PreScore or Score failed with. */
  pickBest(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[], random: Random): NodeInfo {
    for (const plugin of this.#preScore) {
      const status = plugin.preScore(state, pod, nodes);
      if (status?.code === 'Skip') state.skipScore.add(plugin.name);
      else if (status !== undefined)
        throw new Error(`running PreScore plugin ${plugin.name}: ${status.message}`, { cause: status.error });
    }
    const totals = new Array<number>(nodes.length).fill(0);
    const scores = new Array<number>(nodes.length).fill(0);
    for (const { plugin, weight } of this.#score) {
      if (state.skipScore.has(plugin.name)) continue;
      for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score(state, pod, nodes[i]!);
      plugin.normalizeScore?.(state, pod, scores);
      for (let i = 0; i < nodes.length; i++) {
        const score = scores[i]!;
        if (!(score >= 0 && score <= maxNodeScore))
          throw new Error(
            `score plugin ${plugin.name}: ${score} for node ${nodes[i]!.name} is not in 0..${maxNodeScore}`,
          );
        totals[i]! += score * weight;
      }
    }
    let best = 0;
    let equals = 1;
    for (let i = 1; i < nodes.length; i++) {
      if (totals[i]! > totals[best]!) {
        best = i;
        equals = 1;
      } else if (totals[i] === totals[best] && randomInt(random, ++equals) === 0) best = i;
    }
    return nodes[best]!;
  }

  runReserve(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined {
    for (const plugin of this.#reserve) {
      const status = plugin.reserve(state, pod, nodeName);
      if (status !== undefined) return signed(status, plugin);
    }
    return undefined;
  }

  runUnreserve(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const plugin of this.#unreserve) plugin.unreserve(state, pod, nodeName);
  }

  runPermit(state: CycleState, pod: PodInfo, nodeName: string): PermitOutcome {
    const waits = new Map<string, number>();
    for (const plugin of this.#permit) {
      const result = plugin.permit(state, pod, nodeName);
      if (result === undefined) continue;
      if (result.status.code === 'Wait') waits.set(plugin.name, result.timeoutMs);
      else return { status: signed(result.status, plugin), waits };
    }
    return { waits };
  }

  async runPreBind(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    for (const plugin of this.#preBind) {
      const status = await plugin.preBind(state, pod, nodeName, signal);
      if (status !== undefined) return signed(status, plugin);
    }
    return undefined;
  }

  /** The first plugin that does not answer Skip binds. */
  async runBind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined> {
    for (const plugin of this.#bind) {
      const status = await plugin.bind(state, pod, nodeName, signal);
      if (status === undefined) return undefined;
      if (status.code !== 'Skip') return signed(status, plugin);
    }
    return new Status('Error', `binding pod ${pod.namespace}/${pod.name}: no plugin binds it`);
  }

  runPostBind(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const plugin of this.#postBind) plugin.postBind(state, pod, nodeName);
  }
}

function signed(status: Status, plugin: Plugin): Status {
  status.plugin = plugin.name;
  return status;
}
