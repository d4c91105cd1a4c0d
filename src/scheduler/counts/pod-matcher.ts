/** Which pods a rule of one pod speaks of: labels, in namespaces named or chosen by their labels. */
import { LabelSelector, type Labels, selectorFromObject } from '../../machinery/selectors/labels.ts';
import type { Pod } from '../framework/objects.ts';

/** The labels of a namespace; undefined when it is not known. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** Parsed once and shared by all pods that say the same: two of the same `key` are one. */
export interface PodMatcher {
  /** Names everything that decides a match. */
  readonly key: string;
  readonly namespaces: readonly string[];
  /** Namespaces besides those named; `LabelSelector.nothing` when none are. */
  readonly namespaceSelector: LabelSelector;
  readonly selector: LabelSelector;
  /** All of these must match too. */
  readonly also: readonly PodMatcher[];
  /** Pods that are being deleted do not count. */
  readonly skipsTerminating: boolean;
}

export interface PodMatcherFields {
  readonly namespaces: readonly string[];
  readonly namespaceSelector?: LabelSelector;
  readonly selector: LabelSelector;
  readonly skipsTerminating?: boolean;
}

export function podMatcher(fields: PodMatcherFields): PodMatcher {
  const { namespaces, namespaceSelector = LabelSelector.nothing, selector, skipsTerminating = false } = fields;
  const key = [
    skipsTerminating ? 'live' : 'all',
    [...namespaces].sort().join(','),
    selectorKey(namespaceSelector),
    selectorKey(selector),
  ].join('|');
  return { key, namespaces, namespaceSelector, selector, also: [], skipsTerminating };
}

/** Matches the pods that every one of these matches; at least one is given. */
export function allOf(matchers: readonly PodMatcher[]): PodMatcher {
  const [first, ...also] = matchers;
  if (also.length === 0) return first!;
  return { ...first!, also, key: matchers.map((m) => m.key).join('&') };
}

export function matches(matcher: PodMatcher, pod: Pod, namespaceLabels: NamespaceLabels): boolean {
  if (matcher.skipsTerminating && pod.metadata.deletionTimestamp !== undefined) return false;
  const namespace = pod.metadata.namespace ?? '';
  if (
    !matcher.namespaces.includes(namespace) &&
    (matcher.namespaceSelector.nothing || !matcher.namespaceSelector.matches(namespaceLabels(namespace) ?? {}))
  )
    return false;
  if (!matcher.selector.matches(pod.metadata.labels)) return false;
  for (const other of matcher.also) if (!matches(other, pod, namespaceLabels)) return false;
  return true;
}

/** The selector of an API object. Absent matches nothing; so does one that is not valid, which the API lets nobody write. */
export function selectorOf(object: Parameters<typeof selectorFromObject>[0]): LabelSelector {
  try {
    return selectorFromObject(object);
  } catch {
    return LabelSelector.nothing;
  }
}

export function selectorKey(selector: LabelSelector): string {
  return selector.nothing ? '-' : `(${selector.toString()})`;
}
