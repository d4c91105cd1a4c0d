/**
 * A profile's plugins, sorted by extension point, and how each point is run: in registration order, first rejection
 * wins, and the plugin's name goes onto its status.
 */
import { randomInt, type Random } from '../../base/random.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeToStatus } from './node-to-status.ts';
import { type ExtensionPoint, extensionPoints, type PluginEntry, type Plugins } from '../config/configuration.ts';
import { enabledNames, mergePlugins, pluginsAt } from '../config/plugin-sets.ts';
import { maxNodeScore } from './plugin.ts';
import type { ClusterHandle, Plugin, PluginHandle, PluginRegistration, PostFilterResult } from './plugin.ts';
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

/** What of a profile the framework is made of. */
export interface FrameworkProfile {
  readonly schedulerName?: string;
  readonly plugins?: Plugins;
  readonly pluginConfig?: ReadonlyMap<string, object>;
}

export class Framework {
  readonly plugins: readonly Plugin[];
  readonly #preFilter: readonly With<'preFilter'>[];
  readonly #addPod: readonly With<'addPod'>[];
  readonly #removePod: readonly With<'removePod'>[];
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

  readonly #handle: ClusterHandle;

  /**
   * `registry`: the plugins that there are. Without a profile all of them take part, in that order. Throws for a profile
   * that enables what is not there, or that cannot sort a queue or bind.
   */
  constructor(registry: readonly PluginRegistration[], cluster: ClusterHandle, profile: FrameworkProfile = {}) {
    this.#handle = cluster;
    const handle: PluginHandle = {
      ...cluster,
      fits: (state, pod, node) => this.runFilterWithNominated(state, pod, node),
      tryAdd: (state, pod, added, node) => this.tryAdd(state, pod, added, node),
      tryRemove: (state, pod, removed, node) => this.tryRemove(state, pod, removed, node),
    };
    const sets = profile.plugins ?? mergePlugins(registry);
    const wanted = new Set(enabledNames(sets));
    const made = new Map(
      registry
        .filter((r) => wanted.has(r.name))
        .map((r) => [r.name, r.create(handle, profile.pluginConfig?.get(r.name))] as const),
    );
    const takesPart = (name: string, point: ExtensionPoint) => {
      const plugin = made.get(name);
      return plugin && plugin[methodOf(point)] !== undefined;
    };
    const order = new Map(extensionPoints.map((point) => [point, pluginsAt(point, sets, takesPart)]));
    checkOrder(order, profile.schedulerName ?? '');
    const limited = new Map([...made].map(([name, plugin]) => [name, limitTo(plugin, order)]));
    this.plugins = [...limited.values()];
    const at = <K extends keyof Plugin>(point: ExtensionPoint, method = point as K) =>
      order
        .get(point)!
        .flatMap((p) => limited.get(p.name) ?? [])
        .filter((p) => p[method] !== undefined) as With<K>[];
    this.#preFilter = at('preFilter');
    this.#addPod = at('preFilter', 'addPod');
    this.#removePod = at('preFilter', 'removePod');
    this.#filter = at('filter');
    this.#postFilter = at('postFilter');
    this.#preScore = at('preScore');
    this.#score = order
      .get('score')!
      .map(({ name, weight }) => ({ plugin: limited.get(name) as With<'score'>, weight: weight || 1 }));
    this.#reserve = at('reserve', 'reserve');
    this.#unreserve = at('reserve', 'unreserve').reverse();
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

  /**
   * As runFilter, on a node with its promised pods that are at least as important on it too; and without them, since
   * they may never come (and the pod may ask for their company).
   */
  runFilterWithNominated(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    let copy: NodeInfo | undefined;
    let copiedState = state;
    for (const nominated of this.#handle.nominatedOn(node.name)) {
      if (nominated.priority < pod.priority || nominated.uid === pod.uid || node.pods.has(nominated.uid)) continue;
      if (copy === undefined) {
        copy = node.clone();
        copiedState = state.clone();
      }
      this.tryAdd(copiedState, pod, nominated, copy);
    }
    if (copy !== undefined) {
      const status = this.runFilter(copiedState, pod, copy);
      if (status !== undefined) return status;
    }
    return this.runFilter(state, pod, node);
  }

  /** Puts a pod on a copied node and tells the plugins. */
  tryAdd(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void {
    node.addPod(added);
    for (const plugin of this.#addPod) if (!state.skipFilter.has(plugin.name)) plugin.addPod(state, pod, added, node);
  }

  /** Takes a pod off a copied node and tells the plugins. */
  tryRemove(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void {
    node.removePod(removed.uid);
    for (const plugin of this.#removePod)
      if (!state.skipFilter.has(plugin.name)) plugin.removePod(state, pod, removed, node);
  }

  /** Without a status: room is being made. A rejection carries what every plugin said. */
  runPostFilter(state: CycleState, pod: PodInfo, nodeToStatus: NodeToStatus): PostFilterResult {
    const reasons: string[] = [];
    let nominated: { readonly nominatedNodeName?: string } = {};
    for (const plugin of this.#postFilter) {
      const result = plugin.postFilter(state, pod, nodeToStatus);
      const { status, nominatedNodeName } = result;
      if (status === undefined) return result;
      if (status.code === 'Error' || status.code === 'UnschedulableAndUnresolvable')
        return { ...result, status: signed(status, plugin) };
      if (nominatedNodeName !== undefined) nominated = { nominatedNodeName };
      reasons.push(...status.reasons);
    }
    return { status: new Status('Unschedulable', ...reasons), ...nominated };
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

/** The method without which a plugin has no part in a point. */
function methodOf(point: ExtensionPoint): keyof Plugin {
  return point === 'queueSort' ? 'less' : point;
}

type Order = ReadonlyMap<ExtensionPoint, readonly PluginEntry[]>;

function checkOrder(order: Order, schedulerName: string): void {
  const profile = `for profile with scheduler name ${JSON.stringify(schedulerName)}`;
  const sorters = order.get('queueSort')!.length;
  if (sorters > 1) throw new Error(`only one queue sort plugin required ${profile}, but got ${sorters}`);
  if (schedulerName === '') return;
  if (sorters === 0) throw new Error(`one queue sort plugin required ${profile}`);
  if (order.get('bind')!.length === 0) throw new Error(`at least one bind plugin is needed ${profile}`);
}

/** The plugin itself where it takes part wherever it can; else one that has only the points that are enabled. */
function limitTo(plugin: Plugin, order: Order): Plugin {
  const off = extensionPoints.filter(
    (point) => plugin[methodOf(point)] !== undefined && !order.get(point)!.some((p) => p.name === plugin.name),
  );
  if (off.length === 0) return plugin;
  const hidden = new Set<PropertyKey>(off.map(methodOf));
  // Private fields of a class need the plugin itself as receiver, so its methods are bound to it.
  return new Proxy(plugin, {
    get(target, key) {
      if (hidden.has(key)) return undefined;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function signed(status: Status, plugin: Plugin): Status {
  status.plugin = plugin.name;
  return status;
}
