/** From two versions of a node to what changed, as far as scheduling cares. */
import { Action, type ClusterChange } from './framework/events.ts';
import type { Node } from './framework/objects.ts';

interface Watched {
  readonly action: number;
  readonly label: string;
  readonly of: (node: Node) => unknown;
}

const watched: readonly Watched[] = [
  { action: Action.UpdateNodeAllocatable, label: 'NodeUpdateNodeAllocatable', of: (n) => n.status?.allocatable },
  { action: Action.UpdateNodeLabel, label: 'NodeUpdateNodeLabel', of: (n) => n.metadata.labels },
  {
    action: Action.UpdateNodeTaint,
    label: 'NodeUpdateNodeTaint',
    of: (n) => [n.spec?.taints ?? [], n.spec?.unschedulable ?? false],
  },
  {
    // Heartbeats change times only: those are not news.
    action: Action.UpdateNodeCondition,
    label: 'NodeUpdateNodeCondition',
    of: (n) => n.status?.conditions?.map((c) => [c.type, c.status]),
  },
  {
    action: Action.UpdateNodeDeclaredFeature,
    label: 'NodeUpdateNodeDeclaredFeature',
    of: (n) => n.status?.declaredFeatures,
  },
  { action: Action.UpdateNodeAnnotation, label: 'NodeUpdateNodeAnnotation', of: (n) => n.metadata.annotations },
];

/** One change for each thing that differs; none for a heartbeat. */
export function nodeChanges(old: Node, node: Node): readonly ClusterChange[] {
  return watched
    .filter((w) => JSON.stringify(w.of(old)) !== JSON.stringify(w.of(node)))
    .map((w) => ({ event: { resource: 'Node', action: w.action, label: w.label }, old, new: node }));
}
