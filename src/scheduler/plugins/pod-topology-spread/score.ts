/** Soft spreading: the fewer pods of the kind a node's domains hold, the better. */
import type { NodeInfo } from '../../cache/node-info.ts';
import type { DomainCounts } from '../../counts/domain-counts.ts';
import type { PodCounts } from '../../counts/pod-counts.ts';
import type { Tally } from '../../counts/tally.ts';
import type { Pod } from '../../framework/objects.ts';
import { maxNodeScore } from '../../framework/plugin.ts';
import { type Constraint, eligibleNodes, hasAllKeys } from './constraint.ts';

const hostname = 'kubernetes.io/hostname';

interface Weighed {
  readonly constraint: Constraint;
  /** The more domains there are, the more one pod of difference counts. */
  readonly weight: number;
  readonly tally: Tally;
  /** Absent for hosts: their pods are counted on the node itself. */
  readonly counts?: DomainCounts;
}

export interface SpreadScore {
  readonly weighed: readonly Weighed[];
  /** Nodes that lack a topology key, in the order in which they are scored. */
  readonly ignored: readonly boolean[];
  readonly ignoredNames: ReadonlySet<string>;
}

/** `needsAllKeys`: nodes without one of the topology keys score nothing. */
export function newSpreadScore(
  pod: Pod,
  constraints: readonly Constraint[],
  nodes: readonly NodeInfo[],
  counts: PodCounts,
  needsAllKeys: boolean,
): SpreadScore {
  const ignored = nodes.map((n) => needsAllKeys && !hasAllKeys(n.node!, constraints));
  const ignoredNames = new Set(nodes.filter((_, i) => ignored[i]).map((n) => n.name));
  const weighed = constraints.map((constraint): Weighed => {
    const tally = counts.tally(constraint.matcher);
    const { topologyKey } = constraint;
    if (topologyKey === hostname) return { constraint, tally, weight: Math.log(nodes.length - ignoredNames.size + 2) };
    const domains = new Set<string | undefined>();
    for (let i = 0; i < nodes.length; i++) if (!ignored[i]) domains.add(nodes[i]!.labels[topologyKey]);
    const filter = eligibleNodes(pod, constraint, needsAllKeys ? constraints : []);
    return {
      constraint,
      tally,
      weight: Math.log(domains.size + 2),
      counts: tally.byDomain(topologyKey, filter),
    };
  });
  return { weighed, ignored, ignoredNames };
}

export function spreadScore({ weighed, ignoredNames }: SpreadScore, node: NodeInfo): number {
  if (ignoredNames.has(node.name)) return 0;
  let score = 0;
  for (const { constraint, weight, tally, counts } of weighed) {
    const domain = node.labels[constraint.topologyKey];
    if (domain === undefined) continue;
    const pods = counts === undefined ? tally.onNode(node.name) : counts.get(domain);
    score += pods * weight + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}

export function normalizeSpread({ ignored }: SpreadScore, scores: number[]): void {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (let i = 0; i < scores.length; i++) {
    if (ignored[i]) continue;
    min = Math.min(min, scores[i]!);
    max = Math.max(max, scores[i]!);
  }
  for (let i = 0; i < scores.length; i++) {
    if (ignored[i]) scores[i] = 0;
    else scores[i] = max === 0 ? maxNodeScore : Math.floor((maxNodeScore * (max + min - scores[i]!)) / max);
  }
}
