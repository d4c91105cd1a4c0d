/** What spreads pods that say nothing of it themselves. */
import type { LabelSelectorObject } from '../../../machinery/selectors/labels.ts';
import { LabelSelector, selectorFromSet } from '../../../machinery/selectors/labels.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { selectorOf } from '../../counts/pod-matcher.ts';
import type { Pod, TopologySpreadConstraint } from '../../framework/objects.ts';
import type { ListerOf } from '../../framework/plugin.ts';
import { type Constraint, newConstraint, type WhenUnsatisfiable } from './constraint.ts';

/** Defaulting type System: over hosts and zones, and never in the way. */
export const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

/** Finds the pods that a pod belongs together with: by the Services that select it and by the workload that owns it. */
export class Peers {
  readonly #services: ReturnType<ListerOf>;
  readonly #owners: ReadonlyMap<string, ReturnType<ListerOf>>;

  constructor(lister: ListerOf) {
    this.#services = lister({ group: '', version: 'v1', resource: 'services' });
    this.#owners = new Map([
      ['v1/ReplicationController', lister({ group: '', version: 'v1', resource: 'replicationcontrollers' })],
      ['apps/v1/ReplicaSet', lister({ group: 'apps', version: 'v1', resource: 'replicasets' })],
      ['apps/v1/StatefulSet', lister({ group: 'apps', version: 'v1', resource: 'statefulsets' })],
    ]);
  }

  /** All that its Services and its owner ask for, together; without requirements when there are none of them. */
  selector(pod: Pod): LabelSelector {
    const namespace = pod.metadata.namespace ?? '';
    const set: Record<string, string> = {};
    for (const service of this.#services.byNamespace(namespace)) {
      const selector = (service as unknown as HasSelector<Record<string, string>>).spec?.selector;
      if (selector === undefined || !selectorFromSet(selector).matches(pod.metadata.labels)) continue;
      Object.assign(set, selector);
    }
    const ref = pod.metadata.ownerReferences?.find((o) => o.controller);
    const owner = ref && this.#owners.get(`${ref.apiVersion}/${ref.kind}`)?.get(`${namespace}/${ref.name}`);
    if (owner === undefined) return selectorFromSet(set);
    const selector = (owner as unknown as HasSelector<unknown>).spec?.selector;
    if (ref!.kind === 'ReplicationController')
      return selectorFromSet({ ...set, ...(selector as Record<string, string> | undefined) });
    return LabelSelector.of([
      ...selectorFromSet(set).requirements,
      ...selectorOf(selector as LabelSelectorObject | undefined).requirements,
    ]);
  }
}

type HasSelector<T> = KubeObject & { readonly spec?: { readonly selector?: T } };

export function defaultConstraints(
  pod: Pod,
  defaults: readonly TopologySpreadConstraint[],
  peers: Peers,
  when: WhenUnsatisfiable,
): readonly Constraint[] {
  const wanted = defaults.filter((c) => c.whenUnsatisfiable === when);
  if (wanted.length === 0) return [];
  const selector = peers.selector(pod);
  return selector.empty ? [] : wanted.map((c) => newConstraint(pod, c, selector));
}
