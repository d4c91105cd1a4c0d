/** The pod affinity and anti-affinity of a pod, parsed. */
import { LabelSelector } from '../../machinery/selectors/labels.ts';
import type { Pod, PodAffinityTerm } from '../framework/objects.ts';
import { type PodMatcher, podMatcher, selectorOf } from './pod-matcher.ts';

export interface AffinityTerm {
  readonly matcher: PodMatcher;
  readonly topologyKey: string;
  /** Of a preferred term: 1..100. Of a required one: 0. */
  readonly weight: number;
}

export interface AffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

const none: readonly AffinityTerm[] = [];
export const noAffinityTerms: AffinityTerms = {
  requiredAffinity: none,
  requiredAntiAffinity: none,
  preferredAffinity: none,
  preferredAntiAffinity: none,
};

export function affinityTermsOf(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return noAffinityTerms;
  const namespace = pod.metadata.namespace ?? '';
  const required = (terms: readonly PodAffinityTerm[] | undefined) =>
    terms?.map((t) => termOf(namespace, t, 0)) ?? none;
  const preferred = (
    terms: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] | undefined,
  ) => terms?.map((t) => termOf(namespace, t.podAffinityTerm, t.weight)) ?? none;
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

/**
 * A term that names no namespaces, neither by name nor by selector, speaks of its own pod's. What matchLabelKeys and
 * mismatchLabelKeys add is in the selector already: the API server writes it there when the pod is made.
 */
function termOf(namespace: string, term: PodAffinityTerm, weight: number): AffinityTerm {
  const named = term.namespaces ?? [];
  const matcher = podMatcher({
    namespaces: named.length === 0 && term.namespaceSelector === undefined ? [namespace] : named,
    namespaceSelector:
      term.namespaceSelector === undefined ? LabelSelector.nothing : selectorOf(term.namespaceSelector),
    selector: selectorOf(term.labelSelector),
  });
  return { matcher, topologyKey: term.topologyKey, weight };
}
