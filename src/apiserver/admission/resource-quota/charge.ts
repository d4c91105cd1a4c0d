/** What a request adds to the usage of quotas, and whether they allow it. Pure. */
import { add, type Amounts, amountsOf } from '../../../apis/core/pod/resources.ts';
import { isInScopes } from '../../../apis/core/resourcequota/scopes.ts';
import { type GroupResource, quotaNamesFor, quotaUsage } from '../../../apis/core/resourcequota/usage.ts';
import type { Container, Pod, ResourceQuota } from '../../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { Attributes } from '../plugin.ts';
import { refuse } from '../refuse.ts';

/** Whether the request can change what is used: deletions only give back, which the controller counts. */
export function canCharge(attributes: Attributes): boolean {
  const { operation, group, resource, subresource, object, oldObject } = attributes;
  if (!object) return false;
  if (group === '' && resource === 'pods') {
    if (subresource === 'resize') return operation === 'UPDATE';
    if (subresource !== '') return false;
    return operation === 'CREATE' || isTerminating(object as Pod) !== isTerminating(oldObject as Pod | undefined);
  }
  if (subresource !== '') return false;
  const counted = group === '' && (resource === 'services' || resource === 'persistentvolumeclaims');
  return operation === 'CREATE' || (counted && operation === 'UPDATE');
}

const isTerminating = (pod: Pod | undefined): boolean => (pod?.spec?.activeDeadlineSeconds ?? -1) >= 0;

/**
 * What `status.used` of each quota is with the request, by the quota's name; quotas that it does not change are left
 * out. Throws StatusError 403 when one does not allow it.
 */
export function charge(
  quotas: readonly ResourceQuota[],
  attributes: Attributes,
  nowMs: number,
): ReadonlyMap<string, Record<string, string>> {
  const of: GroupResource = { group: attributes.group, resource: attributes.resource };
  const object = attributes.object!;
  const matching = quotas.filter((quota) => matches(quota, of, object, attributes));
  const changed = new Map<string, Record<string, string>>();
  if (matching.length === 0) return changed;
  const usage = quotaUsage(of, object, nowMs);
  const old = attributes.operation === 'UPDATE' ? attributes.oldObject : undefined;
  const before = old && quotaUsage(of, old, nowMs);
  for (const quota of matching) {
    const delta = before && isInScopes(quota, of, old) ? increase(usage, before) : usage;
    const used = usedWith(quota, delta, attributes);
    if (used) changed.set(quota.metadata.name!, used);
  }
  return changed;
}

/** Whether the quota limits the object. Throws when it cannot be told how much, or when the object must say more. */
function matches(quota: ResourceQuota, of: GroupResource, object: KubeObject, attributes: Attributes): boolean {
  const names = quotaNamesFor(of, Object.keys(quota.status?.hard ?? {}));
  if (names.length === 0 || !isInScopes(quota, of, object)) return false;
  const { name } = quota.metadata;
  const missing = of.group === '' && of.resource === 'pods' ? missingAmounts(object as Pod, names) : '';
  if (missing !== '') throw refuse(attributes, `failed quota: ${name}: must specify ${missing}`);
  if (names.some((limited) => quota.status?.used?.[limited] === undefined))
    throw refuse(attributes, `status unknown for quota: ${name}, resources: ${[...names].sort().join(',')}`);
  return true;
}

/** Amounts that every container must name where a quota limits them. */
const mustSpecify = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

/** `limits.cpu for: a,b; memory for: a`; '' when nothing is missing. */
function missingAmounts({ spec }: Pod, names: readonly string[]): string {
  if (spec?.resources?.requests || spec?.resources?.limits) return '';
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const parts: string[] = [];
  for (const limited of mustSpecify) {
    if (!names.includes(limited)) continue;
    const without = containers.filter((container) => !specifies(container, limited)).map(({ name }) => name);
    if (without.length > 0) parts.push(`${limited} for: ${[...new Set(without)].sort().join(',')}`);
  }
  return parts.join('; ');
}

function specifies({ resources }: Container, name: string): boolean {
  const [part, amount] = name.startsWith('limits.')
    ? [resources?.limits, name.slice('limits.'.length)]
    : [resources?.requests, name.replace('requests.', '')];
  return part?.[amount!] !== undefined;
}

/** What is more than before. */
function increase(usage: Amounts, before: Amounts): Amounts {
  const delta: Amounts = new Map();
  for (const [name, amount] of usage) {
    const more = amount.sub(before.get(name) ?? Quantity.zero);
    if (more.sign > 0) delta.set(name, more);
  }
  return delta;
}

/** Undefined: the quota's usage stays as it is. */
function usedWith(quota: ResourceQuota, delta: Amounts, attributes: Attributes): Record<string, string> | undefined {
  const hard = amountsOf(quota.status?.hard);
  const requested: Amounts = new Map([...delta].filter(([name, amount]) => hard.has(name) && !amount.isZero()));
  if (requested.size === 0) return undefined;
  const used = amountsOf(quota.status?.used);
  const next: Amounts = new Map(used);
  add(next, requested);
  const exceeded = [...requested.keys()].filter((name) => next.get(name)!.compare(hard.get(name)!) > 0);
  if (exceeded.length > 0) {
    const of = (amounts: Amounts) => listText(amounts, exceeded);
    throw refuse(
      attributes,
      `exceeded quota: ${quota.metadata.name}, requested: ${of(requested)}, used: ${of(used)}, limited: ${of(hard)}`,
    );
  }
  return Object.fromEntries([...next].map(([name, amount]) => [name, amount.toString()]));
}

const listText = (amounts: Amounts, names: readonly string[]): string =>
  [...names]
    .sort()
    .map((name) => `${name}=${amounts.get(name) ?? Quantity.zero}`)
    .join(',');
