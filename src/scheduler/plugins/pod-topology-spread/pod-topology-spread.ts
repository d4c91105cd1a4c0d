import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { DomainCounts } from '../../counts/domain-counts.ts';
import type { CycleState, StateKey } from '../../framework/cycle-state.ts';
import { Action, type ClusterChange, type QueueingHint } from '../../framework/events.ts';
import type { Node, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginHandle, PluginRegistration, PreFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { type Constraint, type WhenUnsatisfiable, constraintsOf, eligibleNodes, hasAllKeys } from './constraint.ts';
import { Peers, defaultConstraints, systemDefaults } from './defaults.ts';
import { type SpreadScore, newSpreadScore, normalizeSpread, spreadScore } from './score.ts';

const mismatch = new Status('Unschedulable', "node(s) didn't match pod topology spread constraints");
const noLabel = new Status(
  'UnschedulableAndUnresolvable',
  "node(s) didn't match pod topology spread constraints (missing required label)",
);
const skip = new Status('Skip');

interface Judged {
  readonly constraint: Constraint;
  readonly counts: DomainCounts;
  readonly includes: (node: Node) => boolean;
  /** 1 when the pod itself counts where it goes. */
  readonly self: 0 | 1;
  /** What a dry run has added to domains, or taken from them. */
  readonly delta: ReadonlyMap<string, number>;
}

const filterState: StateKey<readonly Judged[]> = { name: 'PreFilterPodTopologySpread' };
const scoreState: StateKey<SpreadScore> = { name: 'PreScorePodTopologySpread' };

/** `spec.topologySpreadConstraints`, and the cluster's defaults for pods without any. */
export const podTopologySpread: PluginRegistration = {
  name: 'PodTopologySpread',
  weight: 2,
  create: (handle, args): Plugin => new PodTopologySpread(handle, args as PodTopologySpreadArgs | undefined),
};

/** `PodTopologySpreadArgs` of KubeSchedulerConfiguration v1. */
export interface PodTopologySpreadArgs {
  readonly defaultingType?: 'System' | 'List';
  readonly defaultConstraints?: typeof systemDefaults;
}

class PodTopologySpread implements Plugin {
  readonly name = 'PodTopologySpread';
  readonly #handle: PluginHandle;
  readonly #peers: Peers;
  readonly #defaults: typeof systemDefaults;
  readonly #systemDefaulted: boolean;

  constructor(handle: PluginHandle, args: PodTopologySpreadArgs = {}) {
    this.#handle = handle;
    this.#peers = new Peers(handle.lister);
    this.#systemDefaulted = args.defaultingType !== 'List';
    this.#defaults = this.#systemDefaulted ? systemDefaults : (args.defaultConstraints ?? []);
  }

  preFilter(state: CycleState, { pod }: PodInfo): PreFilterResult | undefined {
    const constraints = this.#constraints(pod, 'DoNotSchedule');
    if (constraints.length === 0) return { status: skip };
    const judged = constraints.map((constraint): Judged => {
      const filter = eligibleNodes(pod, constraint, constraints);
      return {
        constraint,
        counts: this.#handle.counts.tally(constraint.matcher).byDomain(constraint.topologyKey, filter),
        includes: filter.includes,
        self: constraint.selector.matches(pod.metadata.labels) ? 1 : 0,
        delta: new Map(),
      };
    });
    state.write(filterState, judged);
    return undefined;
  }

  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void {
    this.#dryRun(state, pod, added, node, 1);
  }

  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void {
    this.#dryRun(state, pod, removed, node, -1);
  }

  #dryRun(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
    if (other.namespace !== pod.namespace || other.pod.metadata.deletionTimestamp !== undefined) return;
    const judged = state.mustRead(filterState);
    const now = judged.map((j) => {
      const { constraint } = j;
      const domain = node.labels[constraint.topologyKey];
      if (domain === undefined || constraint.selector.empty) return j;
      if (!constraint.selector.matches(other.pod.metadata.labels) || !j.includes(node.node!)) return j;
      return { ...j, delta: new Map(j.delta).set(domain, (j.delta.get(domain) ?? 0) + by) };
    });
    state.write(filterState, now);
  }

  filter(state: CycleState, _pod: PodInfo, node: NodeInfo): Status | undefined {
    for (const { constraint, counts, self, delta } of state.mustRead(filterState)) {
      const domain = node.labels[constraint.topologyKey];
      if (domain === undefined) return noLabel;
      const min = counts.size < constraint.minDomains ? 0 : counts.minWith(delta);
      if (counts.get(domain) + (delta.get(domain) ?? 0) + self - min > constraint.maxSkew) return mismatch;
    }
    return undefined;
  }

  preScore(state: CycleState, { pod }: PodInfo, nodes: readonly NodeInfo[]): Status | undefined {
    const constraints = this.#constraints(pod, 'ScheduleAnyway');
    if (constraints.length === 0) return skip;
    // The cluster's own defaults must not push pods off nodes that know no zones.
    const needsAllKeys = (pod.spec.topologySpreadConstraints?.length ?? 0) > 0 || !this.#systemDefaulted;
    state.write(scoreState, newSpreadScore(pod, constraints, nodes, this.#handle.counts, needsAllKeys));
    return undefined;
  }

  score(state: CycleState, _pod: PodInfo, node: NodeInfo): number {
    return spreadScore(state.mustRead(scoreState), node);
  }

  normalizeScore(state: CycleState, _pod: PodInfo, scores: number[]): void {
    normalizeSpread(state.mustRead(scoreState), scores);
  }

  eventsToRegister(): ReturnType<NonNullable<Plugin['eventsToRegister']>> {
    const hint = (pod: Pod, change: ClusterChange) => this.#podHint(pod, change);
    return [
      { resource: 'AssignedPod', action: Action.Add | Action.Delete | Action.UpdatePodLabel, hint },
      { resource: 'TargetPod', action: Action.UpdatePodLabel | Action.UpdatePodToleration },
      {
        resource: 'Node',
        action: Action.Add | Action.Delete | Action.UpdateNodeLabel | Action.UpdateNodeTaint,
        hint: (pod, change) => this.#nodeHint(pod, change),
      },
    ];
  }

  /** Another pod matters when it counts for a constraint, or did. */
  #podHint(pod: Pod, change: ClusterChange): QueueingHint {
    const old = change.old as Pod | undefined;
    const now = change.new as Pod | undefined;
    if ((now ?? old)?.metadata.namespace !== pod.metadata.namespace) return 'Skip';
    const counted = (c: Constraint, p: Pod | undefined) => p !== undefined && c.selector.matches(p.metadata.labels);
    return this.#constraints(pod, 'DoNotSchedule').some((c) => counted(c, old) !== counted(c, now)) ? 'Queue' : 'Skip';
  }

  /** A node matters when it is a domain of every constraint, or was. */
  #nodeHint(pod: Pod, change: ClusterChange): QueueingHint {
    const constraints = this.#constraints(pod, 'DoNotSchedule');
    const domains = (node: Node | undefined) =>
      node !== undefined && hasAllKeys(node, constraints)
        ? constraints.map((c) => node.metadata.labels![c.topologyKey])
        : undefined;
    const old = domains(change.old as Node | undefined);
    const now = domains(change.new as Node | undefined);
    if (old === undefined && now === undefined) return 'Skip';
    const isUpdate = change.old !== undefined && change.new !== undefined;
    const taints = isUpdate && constraints.some((c) => c.honorsTaints);
    return !isUpdate || taints || JSON.stringify(old) !== JSON.stringify(now) ? 'Queue' : 'Skip';
  }

  #constraints(pod: Pod, when: WhenUnsatisfiable): readonly Constraint[] {
    const own = pod.spec.topologySpreadConstraints;
    if (own !== undefined && own.length > 0) return constraintsOf(pod, own, when);
    return defaultConstraints(pod, this.#defaults, this.#peers, when);
  }
}
