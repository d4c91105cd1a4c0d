/** Topology spread constraints, ready to be judged. */
import { LabelSelector, type Labels, type Requirement } from '../../../machinery/selectors/labels.ts';
import { type PodMatcher, podMatcher, selectorOf } from '../../counts/pod-matcher.ts';
import type { NodeFilter } from '../../counts/tally.ts';
import type { Node, Pod, TopologySpreadConstraint } from '../../framework/objects.ts';
import { matchesRequired } from '../node-affinity/node-selector.ts';
import { findUntoleratedTaint } from '../tolerations.ts';

export interface Constraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly topologyKey: string;
  readonly selector: LabelSelector;
  /** The pods that count: of the pod's namespace, and not being deleted. */
  readonly matcher: PodMatcher;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export type WhenUnsatisfiable = 'DoNotSchedule' | 'ScheduleAnyway';

export function constraintsOf(
  pod: Pod,
  constraints: readonly TopologySpreadConstraint[],
  when: WhenUnsatisfiable,
): readonly Constraint[] {
  return constraints
    .filter((c) => c.whenUnsatisfiable === when)
    .map((c) =>
      newConstraint(pod, c, withLabelKeys(selectorOf(c.labelSelector), c.matchLabelKeys, pod.metadata.labels)),
    );
}

export function newConstraint(pod: Pod, c: TopologySpreadConstraint, selector: LabelSelector): Constraint {
  return {
    maxSkew: c.maxSkew,
    minDomains: c.minDomains ?? 1,
    topologyKey: c.topologyKey,
    selector,
    // A selector without requirements counts no pod at all, although the pod itself matches it.
    matcher: podMatcher({
      namespaces: [pod.metadata.namespace ?? ''],
      selector: selector.empty ? LabelSelector.nothing : selector,
      skipsTerminating: true,
    }),
    honorsAffinity: c.nodeAffinityPolicy !== 'Ignore',
    honorsTaints: c.nodeTaintsPolicy === 'Honor',
  };
}

/** Pods must agree with this one in these labels, as far as it has them. */
function withLabelKeys(selector: LabelSelector, keys: readonly string[] | undefined, labels: Labels | undefined) {
  if (selector.nothing || keys === undefined) return selector;
  const agreed: Requirement[] = [];
  for (const key of keys) {
    const value = labels?.[key];
    if (value !== undefined) agreed.push({ key, operator: '=', values: [value] });
  }
  return agreed.length === 0 ? selector : LabelSelector.of([...agreed, ...selector.requirements]);
}

export function hasAllKeys(node: Node, constraints: readonly Constraint[]): boolean {
  const labels = node.metadata.labels ?? {};
  for (const c of constraints) if (labels[c.topologyKey] === undefined) return false;
  return true;
}

/** The nodes over which a constraint of the pod is judged: with every topology key, and as its policies say. */
export function eligibleNodes(pod: Pod, constraint: Constraint, required: readonly Constraint[]): NodeFilter {
  const { honorsAffinity, honorsTaints } = constraint;
  const keys = required.map((c) => c.topologyKey);
  const affinity = honorsAffinity && (pod.spec.nodeSelector ?? pod.spec.affinity?.nodeAffinity) !== undefined;
  return {
    key: JSON.stringify([
      keys,
      affinity
        ? [pod.spec.nodeSelector, pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution]
        : 0,
      honorsTaints ? (pod.spec.tolerations ?? []) : 0,
    ]),
    includes: (node) =>
      hasAllKeys(node, required) &&
      (!affinity || matchesRequired(pod, node)) &&
      (!honorsTaints || findUntoleratedTaint(node.spec?.taints ?? [], pod.spec.tolerations) === undefined),
  };
}
