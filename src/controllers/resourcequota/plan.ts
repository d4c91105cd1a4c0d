/** What a ResourceQuota's status says. Pure. */
import type { ResourceQuota, ResourceQuotaStatus } from '../../apis/generated/types/core/v1.ts';
import { type Amounts, add } from '../../apis/core/pod/resources.ts';
import { isInScopes } from '../../apis/core/resourcequota/scopes.ts';
import {
  type GroupResource,
  objectCountName,
  quotaNamesFor,
  quotaUsage,
  resourceOfQuotaName,
} from '../../apis/core/resourcequota/usage.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';

/** Every resource that the quota limits, once. */
export function resourcesOf(quota: DeepReadonly<ResourceQuota>): GroupResource[] {
  const byName = new Map<string, GroupResource>();
  for (const name of Object.keys(quota.spec?.hard ?? {})) {
    const resource = resourceOfQuotaName(name);
    byName.set(objectCountName(resource), resource);
  }
  return [...byName.values()];
}

/**
 * `objectsOf`: what there is of a resource in the quota's namespace; undefined where that cannot be told: its names keep
 * what they had.
 */
export function planQuota(input: {
  readonly quota: DeepReadonly<ResourceQuota>;
  readonly objectsOf: (resource: GroupResource) => readonly DeepReadonly<KubeObject>[] | undefined;
  readonly nowMs: number;
}): ResourceQuotaStatus {
  const { quota, objectsOf, nowMs } = input;
  const hard = { ...quota.spec?.hard };
  const names = Object.keys(hard);
  const used: Record<string, string> = {};
  for (const name of names) {
    const before = quota.status?.used?.[name];
    if (before !== undefined) used[name] = before;
  }
  for (const resource of resourcesOf(quota)) {
    const objects = objectsOf(resource);
    if (objects === undefined) continue;
    const sum: Amounts = new Map();
    for (const object of objects)
      if (isInScopes(quota, resource, object)) add(sum, quotaUsage(resource, object, nowMs));
    for (const name of quotaNamesFor(resource, names)) used[name] = (sum.get(name) ?? Quantity.of(0)).toString();
  }
  return { hard, used };
}
