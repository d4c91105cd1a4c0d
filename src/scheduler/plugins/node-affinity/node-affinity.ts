import { Action } from '../../framework/events.ts';
import type { Node, NodeSelectorTerm } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration, PreFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { normalizeByMax } from '../normalize.ts';
import { matchesRequired, matchesTerm } from './node-selector.ts';

const mismatch = new Status('UnschedulableAndUnresolvable', "node(s) didn't match Pod's node affinity/selector");
const skip: PreFilterResult = { status: new Status('Skip') };

/** `spec.nodeSelector` and `spec.affinity.nodeAffinity`. */
export const nodeAffinity: PluginRegistration = {
  name: 'NodeAffinity',
  weight: 2,
  create: (): Plugin => ({
    name: 'NodeAffinity',
    preFilter(_state, pod) {
      const required = pod.pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (required === undefined) return pod.pod.spec.nodeSelector === undefined ? skip : undefined;
      const names = namedNodes(required.nodeSelectorTerms);
      if (names === undefined) return undefined;
      if (names.size === 0)
        return { status: new Status('UnschedulableAndUnresolvable', 'pod affinity terms conflict') };
      return { nodeNames: names };
    },
    filter: (_state, pod, node) => (matchesRequired(pod.pod, node.node!) ? undefined : mismatch),
    preScore(_state, pod) {
      const preferred = pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
      return preferred === undefined || preferred.length === 0 ? new Status('Skip') : undefined;
    },
    score(_state, pod, node) {
      let sum = 0;
      for (const term of pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
        if (matchesTerm(term.preference, node.node!)) sum += term.weight;
      return sum;
    },
    normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, false),
    eventsToRegister: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeLabel,
        hint: (pod, change) => {
          const before = change.old !== undefined && matchesRequired(pod, change.old as Node);
          return !before && matchesRequired(pod, change.new as Node) ? 'Queue' : 'Skip';
        },
      },
    ],
  }),
};

/** The nodes that the terms name by metadata.name; undefined when a term leaves the name open. */
function namedNodes(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  if (terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const term of terms) {
    let named: Set<string> | undefined;
    for (const r of term.matchFields ?? []) {
      if (r.key !== 'metadata.name' || r.operator !== 'In') continue;
      const values = new Set(r.values ?? []);
      named = named === undefined ? values : new Set([...named].filter((name) => values.has(name)));
    }
    if (named === undefined) return undefined;
    for (const name of named) all.add(name);
  }
  return all;
}
