/**
 * Everything that is counted over the pods on nodes, for rules between pods:
 *
 * - tallies: how many pods a matcher finds, made when a plugin first asks and kept up to date from then on;
 * - terms: how many pods hold an affinity term, for the rules of pods that are placed already.
 *
 * The owner (the cache) says of each pod when it comes to a node and when it leaves, with the same PodInfo.
 */
import type { Labels } from '../../machinery/selectors/labels.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Pod } from '../framework/objects.ts';
import { type AffinityTerm, type AffinityTerms, noAffinityTerms } from './affinity-terms.ts';
import { MatcherIndex } from './matcher-index.ts';
import { type PodMatcher, matches } from './pod-matcher.ts';
import { Tally, type Topology } from './tally.ts';

/** Tallies that are kept; the one not asked for the longest goes first, and is made anew when it is asked for again. */
const maxTallies = 4096;

interface KeptTally {
  readonly matcher: PodMatcher;
  readonly tally: Tally;
}

/** Pods on nodes that hold the same term. */
export interface HeldTerm {
  readonly matcher: PodMatcher;
  readonly term: AffinityTerm;
  readonly holders: Tally;
}

export type TermKind = keyof AffinityTerms;
const termKinds = Object.keys(noAffinityTerms) as readonly TermKind[];

export class PodCounts {
  readonly #topology: Topology;
  readonly #namespaces = new Map<string, Labels>();
  readonly #tallies = new Map<string, KeptTally>();
  readonly #tallyIndex = new MatcherIndex<KeptTally>();
  readonly #terms: Readonly<Record<TermKind, Map<string, HeldTerm>>>;
  readonly #termIndex: Readonly<Record<TermKind, MatcherIndex<HeldTerm>>>;

  constructor(topology: Topology) {
    this.#topology = topology;
    const perKind = <T>(make: () => T) => Object.fromEntries(termKinds.map((kind) => [kind, make()]));
    this.#terms = perKind(() => new Map()) as Record<TermKind, Map<string, HeldTerm>>;
    this.#termIndex = perKind(() => new MatcherIndex()) as Record<TermKind, MatcherIndex<HeldTerm>>;
  }

  readonly namespaceLabels = (namespace: string): Labels | undefined => this.#namespaces.get(namespace);

  /** The labels of a namespace are these; undefined: it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    const before = this.#namespaces.get(name);
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    if (JSON.stringify(before ?? {}) === JSON.stringify(labels ?? {})) return;
    for (const kept of [...this.#tallies.values()])
      if ([kept.matcher, ...kept.matcher.also].some((m) => !m.namespaceSelector.nothing)) this.#drop(kept);
  }

  /** How many pods on nodes the matcher finds. Valid until the end of the current task. */
  tally(matcher: PodMatcher): Tally {
    let kept = this.#tallies.get(matcher.key);
    if (kept === undefined) {
      kept = { matcher, tally: this.#count(matcher) };
      if (this.#tallies.size >= maxTallies) this.#drop(this.#tallies.values().next().value!);
      this.#tallyIndex.add(kept);
    } else this.#tallies.delete(matcher.key);
    this.#tallies.set(matcher.key, kept);
    return kept.tally;
  }

  /** The terms of this kind, held by pods on nodes, that speak of this pod. */
  termsAbout(kind: TermKind, pod: Pod): readonly HeldTerm[] {
    const found: HeldTerm[] = [];
    this.#termIndex[kind].candidates(pod.metadata.namespace ?? '', pod.metadata.labels, (held) => {
      if (matches(held.matcher, pod, this.namespaceLabels)) found.push(held);
    });
    return found;
  }

  /** A pod has come to the node (1) or leaves it (-1). */
  change(pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    this.#tallyIndex.candidates(pod.namespace, pod.pod.metadata.labels, ({ matcher, tally }) => {
      if (matches(matcher, pod.pod, this.namespaceLabels)) tally.change(node, sign);
    });
    if (pod.terms === noAffinityTerms) return;
    for (const kind of termKinds) for (const term of pod.terms[kind]) this.#changeTerm(kind, term, node, sign);
  }

  #changeTerm(kind: TermKind, term: AffinityTerm, node: NodeInfo, sign: 1 | -1): void {
    const key = `${term.weight} ${term.topologyKey} ${term.matcher.key}`;
    let held = this.#terms[kind].get(key);
    if (held === undefined) {
      held = { matcher: term.matcher, term, holders: new Tally(this.#topology) };
      this.#terms[kind].set(key, held);
      this.#termIndex[kind].add(held);
    }
    held.holders.change(node, sign);
    if (held.holders.total > 0) return;
    this.#terms[kind].delete(key);
    this.#termIndex[kind].delete(held);
  }

  #count(matcher: PodMatcher): Tally {
    const tally = new Tally(this.#topology);
    for (const node of this.#topology.entries())
      for (const pod of node.pods.values()) if (matches(matcher, pod.pod, this.namespaceLabels)) tally.change(node, 1);
    return tally;
  }

  #drop(kept: KeptTally): void {
    this.#tallies.delete(kept.matcher.key);
    this.#tallyIndex.delete(kept);
  }
}
