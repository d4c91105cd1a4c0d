import type { NodeAffinityArgs } from '../../config/configuration.ts';
import { Action } from '../../framework/events.ts';
import type { Node, NodeSelectorTerm, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration, PreFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { normalizeByMax } from '../normalize.ts';
import { matchesRequired, matchesTerm } from './node-selector.ts';

const mismatch = new Status('UnschedulableAndUnresolvable', "node(s) didn't match Pod's node affinity/selector");
const enforcedMismatch = new Status(
  'UnschedulableAndUnresolvable',
  "node(s) didn't match scheduler-enforced node affinity",
);
const skip: PreFilterResult = { status: new Status('Skip') };

/** `spec.nodeSelector` and `spec.affinity.nodeAffinity`, and the affinity that a profile adds to all its pods. */
export const nodeAffinity: PluginRegistration = {
  name: 'NodeAffinity',
  weight: 2,
  create: (_handle, args): Plugin => create((args ?? {}) as NodeAffinityArgs),
};

function create({ addedAffinity }: NodeAffinityArgs): Plugin {
  const addedTerms = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const isAllowed = (node: Node) => addedTerms === undefined || addedTerms.some((term) => matchesTerm(term, node));
  const preferredOf = (pod: Pod) =>
    pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: 'NodeAffinity',
    preFilter(_state, { pod }) {
      const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (required === undefined)
        return pod.spec.nodeSelector === undefined && addedTerms === undefined ? skip : undefined;
      const names = namedNodes(required.nodeSelectorTerms);
      if (names === undefined) return undefined;
      if (names.size === 0)
        return { status: new Status('UnschedulableAndUnresolvable', 'pod affinity terms conflict') };
      return { nodeNames: names };
    },
    filter(_state, { pod }, { node }) {
      if (!isAllowed(node!)) return enforcedMismatch;
      return matchesRequired(pod, node!) ? undefined : mismatch;
    },
    preScore: (_state, { pod }) =>
      preferredOf(pod).length + addedPreferred.length === 0 ? new Status('Skip') : undefined,
    score(_state, { pod }, { node }) {
      let sum = 0;
      for (const term of addedPreferred) if (matchesTerm(term.preference, node!)) sum += term.weight;
      for (const term of preferredOf(pod)) if (matchesTerm(term.preference, node!)) sum += term.weight;
      return sum;
    },
    normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, false),
    eventsToRegister: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeLabel,
        hint: (pod, change) => {
          const matches = (node: Node) => isAllowed(node) && matchesRequired(pod, node);
          const before = change.old !== undefined && matches(change.old as Node);
          return !before && matches(change.new as Node) ? 'Queue' : 'Skip';
        },
      },
    ],
  };
}

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
