/** The conditions of a Namespace that is being deleted. Pure. */
import type { Condition } from '../common/conditions.ts';
import { withCondition } from '../common/conditions.ts';
import { timeText } from '../../machinery/meta/time.ts';

/** What was found while deleting the content of a namespace. */
export interface ContentReport {
  /** Group versions whose resources could not be discovered. */
  readonly undiscovered: readonly string[];
  /** `pods: message` of what could not be deleted or listed. */
  readonly failures: readonly string[];
  /** Objects left, by resource (`pods.`, `deployments.apps`). */
  readonly remaining: ReadonlyMap<string, number>;
  /** Objects left that carry a finalizer, by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** In how many seconds all may be gone; 0: nothing is left. */
  readonly estimateSeconds: number;
}

/** What to say when all is well; a condition that never failed is not shown until it can be said to hold. */
const fine: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  NamespaceDeletionDiscoveryFailure: ['ResourcesDiscovered', 'All resources successfully discovered'],
  NamespaceDeletionGroupVersionParsingFailure: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  NamespaceDeletionContentFailure: [
    'ContentDeleted',
    'All content successfully deleted, may be waiting on finalization',
  ],
  NamespaceContentRemaining: ['ContentRemoved', 'All content successfully removed'],
  NamespaceFinalizersRemaining: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
};

export function deletionConditions(current: readonly Condition[], report: ContentReport, nowMs: number): Condition[] {
  const { undiscovered, failures, remaining, finalizers } = report;
  const bad: Record<string, readonly [reason: string, message: string]> = {};
  if (undiscovered.length > 0)
    bad['NamespaceDeletionDiscoveryFailure'] = [
      'DiscoveryFailed',
      `Discovery failed for some groups, ${undiscovered.length} failing: ${undiscovered.join(', ')}`,
    ];
  if (failures.length > 0)
    bad['NamespaceDeletionContentFailure'] = [
      'ContentDeletionFailed',
      `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`,
    ];
  if (remaining.size > 0)
    bad['NamespaceContentRemaining'] = [
      'SomeResourcesRemain',
      `Some resources are remaining: ${lines(remaining, (what, n) => `${what} has ${n} resource instances`)}`,
    ];
  if (finalizers.size > 0)
    bad['NamespaceFinalizersRemaining'] = [
      'SomeFinalizersRemain',
      `Some content in the namespace has finalizers remaining: ${lines(finalizers, (what, n) => `${what} in ${n} resource instances`)}`,
    ];

  let conditions = [...current];
  for (const [type, ok] of Object.entries(fine)) {
    const [reason, message] = bad[type] ?? ok;
    const status = bad[type] ? 'True' : 'False';
    const before = conditions.find((c) => c.type === type);
    if (before && before.status === status && before.reason === reason && before.message === message) continue;
    const condition = { type, status, reason, message, lastTransitionTime: timeText(nowMs) };
    // A message of its own is a change too, though not a transition.
    conditions = withCondition(
      conditions.map((c) => (c.type === type ? { ...c, reason: '' } : c)),
      condition,
    );
  }
  return conditions;
}

const lines = (counts: ReadonlyMap<string, number>, text: (what: string, n: number) => string): string =>
  [...counts]
    .map(([what, n]) => text(what, n))
    .sort()
    .join(', ');
