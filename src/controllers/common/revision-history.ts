/** ControllerRevisions: the templates that an object has had, numbered, for roll-backs (DaemonSets, StatefulSets). Pure. */
import type { ControllerRevision } from '../../apis/generated/types/apps/v1.ts';
import type { DeepReadonly, OwnerReference } from '../../machinery/meta/object.ts';
import { sortedKeys } from '../../machinery/schema/encode.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { canonicalJson, fnv1a32, safeEncode } from './hash.ts';

type Revision = DeepReadonly<ControllerRevision>;

export const revisionHashLabel = 'controller-revision-hash';

export interface RevisionPlan {
  /** The current one; without a resourceVersion it is to be made, with a changed number to be updated. */
  readonly current: ControllerRevision;
  readonly action: 'none' | 'create' | 'renumber';
  /** Past the limit, oldest first, and no longer of any pod. */
  readonly obsolete: readonly Revision[];
}

export function planRevisions(input: {
  readonly owner: { readonly name: string; readonly namespace: string | undefined; readonly reference: OwnerReference };
  readonly template: unknown;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly revisions: readonly Revision[];
  /** Hashes that pods carry. */
  readonly live: ReadonlySet<string>;
  readonly limit: number;
  readonly collisions: number | undefined;
}): RevisionPlan {
  const { owner, template, labels, revisions, live, limit, collisions } = input;
  // Clients compare the bytes with what Go makes of the template: its maps are sorted by key.
  const data = inKeyOrder({ spec: { template: { ...(template as object), $patch: 'replace' } } });
  const ordered = [...revisions].sort((a, b) => a.revision - b.revision);
  const newest = ordered.at(-1)?.revision ?? 0;
  const same = ordered.filter((revision) => semanticEqual(revision.data, data)).at(-1);

  let current: ControllerRevision;
  let action: RevisionPlan['action'] = 'none';
  if (same) {
    current = same as ControllerRevision;
    if (same.revision !== newest) {
      current = { ...current, revision: newest + 1 };
      action = 'renumber';
    }
  } else {
    const hash = safeEncode(fnv1a32(`${canonicalJson(data)}${collisions ?? ''}`));
    action = 'create';
    current = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.name}-${hash}`,
        ...(owner.namespace ? { namespace: owner.namespace } : {}),
        labels: { ...labels, [revisionHashLabel]: hash },
        ownerReferences: [owner.reference],
      },
      data,
      revision: newest + 1,
    };
  }
  const idle = ordered.filter((r) => r.metadata.uid !== current.metadata.uid && !live.has(hashOf(r)));
  return { current, action, obsolete: idle.slice(0, Math.max(0, idle.length - limit)) };
}

export const hashOf = (revision: Revision): string => revision.metadata.labels?.[revisionHashLabel] ?? '';

function inKeyOrder<T>(value: T): T {
  if (Array.isArray(value)) return value.map(inKeyOrder) as T;
  if (typeof value !== 'object' || value === null) return value;
  const keys = sortedKeys(value);
  return Object.fromEntries(keys.map((key) => [key, inKeyOrder((value as Record<string, unknown>)[key])])) as T;
}
