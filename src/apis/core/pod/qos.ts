/** The quality of service a pod gets, by what its containers request and limit of cpu and memory. */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { PodSpec, ResourceRequirements } from '../../generated/types/core/v1.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const compute = ['cpu', 'memory'] as const;

/** Names of compute resources that are given and not zero, with their amounts. */
function given(list: Record<string, string> | undefined): Map<string, Quantity> {
  const out = new Map<string, Quantity>();
  for (const name of compute) {
    const quantity = list?.[name] === undefined ? undefined : Quantity.tryParse(list[name]);
    if (quantity !== undefined && quantity.sign > 0) out.set(name, quantity);
  }
  return out;
}

/**
 * Guaranteed: cpu and memory limited everywhere, and requested as much as limited. BestEffort: nothing of either asked.
 * Resources of the pod as a whole, where given, decide alone.
 */
export function qosClassOf(spec: PodSpec): QosClass {
  const podLevel = spec.resources?.requests || spec.resources?.limits ? spec.resources : undefined;
  const all: (ResourceRequirements | undefined)[] = podLevel
    ? [podLevel]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources);
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let limitedEverywhere = true;
  for (const resources of all) {
    for (const [name, q] of given(resources?.requests)) requests.set(name, requests.get(name)?.add(q) ?? q);
    const own = given(resources?.limits);
    for (const [name, q] of own) limits.set(name, limits.get(name)?.add(q) ?? q);
    if (own.size < compute.length) limitedEverywhere = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const equal = requests.size === limits.size && [...requests].every(([name, q]) => limits.get(name)?.equals(q));
  return limitedEverywhere && equal ? 'Guaranteed' : 'Burstable';
}
