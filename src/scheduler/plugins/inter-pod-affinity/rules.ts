/** Hard affinity between pods: what a node's domains must hold, and must not. */
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { AffinityTerm } from '../../counts/affinity-terms.ts';
import type { DomainCounts } from '../../counts/domain-counts.ts';
import type { PodCounts } from '../../counts/pod-counts.ts';
import { type NamespaceLabels, allOf, matches } from '../../counts/pod-matcher.ts';

/** What a dry run has changed: pods more or fewer, by topology key and domain. */
type Delta = ReadonlyMap<string, number>;
const noDelta: Delta = new Map();
const at = (topologyKey: string, domain: string) => `${topologyKey}\0${domain}`;

interface Counted {
  readonly topologyKey: string;
  readonly counts: DomainCounts;
}

export interface Rules {
  /** Pods that match all of the pod's required affinity terms, by the key of each term. */
  readonly affinity: readonly Counted[];
  /** Pods that match a required anti-affinity term of the pod, term by term. */
  readonly antiAffinity: readonly Counted[];
  /** Pods whose own required anti-affinity speaks of the pod. */
  readonly existing: readonly Counted[];
  readonly affinityDelta: Delta;
  readonly antiAffinityDelta: Delta;
  readonly existingDelta: Delta;
}

/** Undefined: nothing keeps the pod off any node. */
export function rulesFor(pod: PodInfo, counts: PodCounts): Rules | undefined {
  const { requiredAffinity, requiredAntiAffinity } = pod.terms;
  const existing = counts.termsAbout('requiredAntiAffinity', pod.pod).map(({ term, holders }) => ({
    topologyKey: term.topologyKey,
    counts: holders.byDomain(term.topologyKey),
  }));
  if (existing.length === 0 && requiredAffinity.length === 0 && requiredAntiAffinity.length === 0) return undefined;
  const together =
    requiredAffinity.length === 0 ? undefined : counts.tally(allOf(requiredAffinity.map((t) => t.matcher)));
  return {
    affinity: requiredAffinity.map(({ topologyKey }) => ({ topologyKey, counts: together!.byDomain(topologyKey) })),
    antiAffinity: requiredAntiAffinity.map(({ topologyKey, matcher }) => ({
      topologyKey,
      counts: counts.tally(matcher).byDomain(topologyKey),
    })),
    existing,
    affinityDelta: noDelta,
    antiAffinityDelta: noDelta,
    existingDelta: noDelta,
  };
}

/** The rules, were `other` on the node too (1), or no longer (-1). */
export function withPod(
  rules: Rules,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  by: 1 | -1,
  namespaceLabels: NamespaceLabels,
): Rules {
  const { requiredAffinity, requiredAntiAffinity } = pod.terms;
  const speaksOf = (term: AffinityTerm, p: PodInfo) => matches(term.matcher, p.pod, namespaceLabels);
  const changed = (delta: Delta, terms: readonly AffinityTerm[]): Delta => {
    if (terms.length === 0) return delta;
    const now = new Map(delta);
    for (const { topologyKey } of terms) {
      const domain = node.labels[topologyKey];
      if (domain === undefined) continue;
      const key = at(topologyKey, domain);
      now.set(key, (now.get(key) ?? 0) + by);
    }
    return now;
  };
  const matchesAll = requiredAffinity.length > 0 && requiredAffinity.every((t) => speaksOf(t, other));
  return {
    ...rules,
    affinityDelta: matchesAll ? changed(rules.affinityDelta, requiredAffinity) : rules.affinityDelta,
    antiAffinityDelta: changed(
      rules.antiAffinityDelta,
      requiredAntiAffinity.filter((t) => speaksOf(t, other)),
    ),
    existingDelta: changed(
      rules.existingDelta,
      other.terms.requiredAntiAffinity.filter((t) => speaksOf(t, pod)),
    ),
  };
}

/** Every term's domain holds such a pod; or none does anywhere, and the pod is the first of its kind. */
export function satisfiesAffinity(
  rules: Rules,
  pod: PodInfo,
  node: NodeInfo,
  namespaceLabels: NamespaceLabels,
): boolean {
  let found = true;
  for (const { topologyKey, counts } of rules.affinity) {
    const domain = node.labels[topologyKey];
    if (domain === undefined) return false;
    if (counts.get(domain) + (rules.affinityDelta.get(at(topologyKey, domain)) ?? 0) <= 0) found = false;
  }
  if (found) return true;
  let total = 0;
  for (const { counts } of rules.affinity) total += counts.total;
  for (const by of rules.affinityDelta.values()) total += by;
  return total === 0 && pod.terms.requiredAffinity.every((t) => matches(t.matcher, pod.pod, namespaceLabels));
}

export function satisfiesAntiAffinity(rules: Rules, node: NodeInfo): boolean {
  return noneIn(rules.antiAffinity, rules.antiAffinityDelta, node);
}

/** No pod in the node's domains refuses this pod's company. */
export function satisfiesExisting(rules: Rules, node: NodeInfo): boolean {
  return noneIn(rules.existing, rules.existingDelta, node);
}

function noneIn(counted: readonly Counted[], delta: Delta, node: NodeInfo): boolean {
  const { labels } = node;
  if (delta.size === 0) {
    for (const { topologyKey, counts } of counted) {
      const domain = labels[topologyKey];
      if (domain !== undefined && counts.get(domain) > 0) return false;
    }
    return true;
  }
  // A dry run changes sums over all terms of a key.
  const sums = new Map<string, number>();
  for (const { topologyKey, counts } of counted) {
    const domain = labels[topologyKey];
    if (domain === undefined) continue;
    const key = at(topologyKey, domain);
    sums.set(key, (sums.get(key) ?? 0) + counts.get(domain));
  }
  for (const [key, by] of delta) sums.set(key, (sums.get(key) ?? 0) + by);
  for (const [key, sum] of sums) {
    const separator = key.indexOf('\0');
    if (sum > 0 && labels[key.slice(0, separator)] === key.slice(separator + 1)) return false;
  }
  return true;
}
