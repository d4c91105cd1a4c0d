import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { type AffinityTerm, affinityTermsOf } from '../../counts/affinity-terms.ts';
import type { DomainCounts } from '../../counts/domain-counts.ts';
import { matches } from '../../counts/pod-matcher.ts';
import type { CycleState, StateKey } from '../../framework/cycle-state.ts';
import { Action, type ClusterChange, type QueueingHint } from '../../framework/events.ts';
import type { Node, Pod } from '../../framework/objects.ts';
import { maxNodeScore } from '../../framework/plugin.ts';
import type { Plugin, PluginHandle, PluginRegistration, PreFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { type Rules, rulesFor, satisfiesAffinity, satisfiesAntiAffinity, satisfiesExisting, withPod } from './rules.ts';

const skip = new Status('Skip');
const noAffinity = new Status('UnschedulableAndUnresolvable', "node(s) didn't match pod affinity rules");
const antiAffinity = new Status('Unschedulable', "node(s) didn't match pod anti-affinity rules");
const existing = new Status('Unschedulable', "node(s) didn't satisfy existing pods anti-affinity rules");

interface Preference {
  readonly topologyKey: string;
  readonly counts: DomainCounts;
  readonly weight: number;
}

const filterState: StateKey<Rules> = { name: 'PreFilterInterPodAffinity' };
const scoreState: StateKey<readonly Preference[]> = { name: 'PreScoreInterPodAffinity' };

/** `InterPodAffinityArgs` of KubeSchedulerConfiguration v1. */
export interface InterPodAffinityArgs {
  /** How much a hard affinity of a placed pod draws the pods that it speaks of; default 1. */
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** `spec.affinity.podAffinity` and `podAntiAffinity`: the pod's own, and those of the pods that are there. */
export const interPodAffinity: PluginRegistration = {
  name: 'InterPodAffinity',
  weight: 2,
  create: (handle, args): Plugin => new InterPodAffinity(handle, args as InterPodAffinityArgs | undefined),
};

class InterPodAffinity implements Plugin {
  readonly name = 'InterPodAffinity';
  readonly #handle: PluginHandle;
  readonly #hardWeight: number;
  readonly #ignoresExisting: boolean;

  constructor(handle: PluginHandle, args: InterPodAffinityArgs = {}) {
    this.#handle = handle;
    this.#hardWeight = args.hardPodAffinityWeight ?? 1;
    this.#ignoresExisting = args.ignorePreferredTermsOfExistingPods ?? false;
  }

  preFilter(state: CycleState, pod: PodInfo): PreFilterResult | undefined {
    const rules = rulesFor(pod, this.#handle.counts);
    if (rules === undefined) return { status: skip };
    state.write(filterState, rules);
    return undefined;
  }

  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void {
    const { namespaceLabels } = this.#handle.counts;
    state.write(filterState, withPod(state.mustRead(filterState), pod, added, node, 1, namespaceLabels));
  }

  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void {
    const { namespaceLabels } = this.#handle.counts;
    state.write(filterState, withPod(state.mustRead(filterState), pod, removed, node, -1, namespaceLabels));
  }

  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    const rules = state.mustRead(filterState);
    if (!satisfiesAffinity(rules, pod, node, this.#handle.counts.namespaceLabels)) return noAffinity;
    if (!satisfiesAntiAffinity(rules, node)) return antiAffinity;
    if (!satisfiesExisting(rules, node)) return existing;
    return undefined;
  }

  preScore(state: CycleState, pod: PodInfo): Status | undefined {
    const { counts } = this.#handle;
    const { preferredAffinity, preferredAntiAffinity } = pod.terms;
    const preferences: Preference[] = [];
    const add = (topologyKey: string, domains: DomainCounts, weight: number) => {
      if (domains.total > 0 && weight !== 0) preferences.push({ topologyKey, counts: domains, weight });
    };
    const own = ({ matcher, topologyKey, weight }: AffinityTerm, sign: 1 | -1) =>
      add(topologyKey, counts.tally(matcher).byDomain(topologyKey), sign * weight);
    for (const term of preferredAffinity) own(term, 1);
    for (const term of preferredAntiAffinity) own(term, -1);
    if (!this.#ignoresExisting || preferredAffinity.length > 0 || preferredAntiAffinity.length > 0) {
      const held = (kind: 'requiredAffinity' | 'preferredAffinity' | 'preferredAntiAffinity', factor: number) => {
        for (const { term, holders } of counts.termsAbout(kind, pod.pod)) {
          const weight = kind === 'requiredAffinity' ? factor : factor * term.weight;
          add(term.topologyKey, holders.byDomain(term.topologyKey), weight);
        }
      };
      if (this.#hardWeight > 0) held('requiredAffinity', this.#hardWeight);
      held('preferredAffinity', 1);
      held('preferredAntiAffinity', -1);
    }
    if (preferences.length === 0) return skip;
    state.write(scoreState, preferences);
    return undefined;
  }

  score(state: CycleState, _pod: PodInfo, node: NodeInfo): number {
    let score = 0;
    for (const { topologyKey, counts, weight } of state.mustRead(scoreState)) {
      const domain = node.labels[topologyKey];
      if (domain !== undefined) score += weight * counts.get(domain);
    }
    return score;
  }

  /** From the worst to the best node; all 0 when they are alike. */
  normalizeScore(_state: CycleState, _pod: PodInfo, scores: number[]): void {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const score of scores) {
      if (score < min) min = score;
      if (score > max) max = score;
    }
    for (let i = 0; i < scores.length; i++)
      scores[i] = max > min ? Math.floor(maxNodeScore * ((scores[i]! - min) / (max - min))) : 0;
  }

  eventsToRegister(): ReturnType<NonNullable<Plugin['eventsToRegister']>> {
    return [
      {
        resource: 'AssignedPod',
        action: Action.Add | Action.Delete | Action.UpdatePodLabel,
        hint: (pod, change) => this.#podHint(pod, change),
      },
      { resource: 'TargetPod', action: Action.UpdatePodLabel },
      { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel, hint: nodeHint },
    ];
  }

  /** A pod that the affinity asks for has come, or one that an anti-affinity speaks of has gone. */
  #podHint(pod: Pod, change: ClusterChange): QueueingHint {
    const { namespaceLabels } = this.#handle.counts;
    const isOf = (terms: readonly AffinityTerm[], p: Pod | undefined) =>
      p !== undefined && terms.length > 0 && terms.every((t) => matches(t.matcher, p, namespaceLabels));
    const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
    const old = change.old as Pod | undefined;
    const now = change.new as Pod | undefined;
    if (!isOf(requiredAffinity, old) && isOf(requiredAffinity, now)) return 'Queue';
    if (isOf(requiredAntiAffinity, old) && !isOf(requiredAntiAffinity, now)) return 'Queue';
    const held = old !== undefined && now === undefined ? affinityTermsOf(old).requiredAntiAffinity : [];
    return isOf(held, pod) ? 'Queue' : 'Skip';
  }
}

/** A node that has all keys of the affinity, or one key of the anti-affinity, in another domain than before. */
function nodeHint(pod: Pod, change: ClusterChange): QueueingHint {
  const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
  const old = (change.old as Node | undefined)?.metadata.labels;
  const now = (change.new as Node).metadata.labels ?? {};
  for (const { topologyKey } of requiredAffinity) if (now[topologyKey] === undefined) return 'Skip';
  const moved = ({ topologyKey }: AffinityTerm) => old?.[topologyKey] !== now[topologyKey];
  if (change.old === undefined) return 'Queue';
  return requiredAffinity.some(moved) || requiredAntiAffinity.some(moved) ? 'Queue' : 'Skip';
}
