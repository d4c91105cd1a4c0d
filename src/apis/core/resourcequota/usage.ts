/**
 * What an object uses of quotas, in the names that a ResourceQuota's `hard` has. Admission and the controller count by
 * the same functions.
 */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { DeepReadonly, KubeObject } from '../../../machinery/meta/object.ts';
import type { PersistentVolumeClaim, Pod, Service } from '../../generated/types/core/v1.ts';
import { type Amounts, podLimits, podRequests } from '../pod/resources.ts';

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

const one = Quantity.of(1);

/** Resources of the core group whose bare name counts them, as `count/<name>` does. */
const bareNames: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

/** `count/deployments.apps`, `count/pods` */
export function objectCountName({ group, resource }: GroupResource): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`;
}

/** Which of a quota's names objects of this resource count against. */
export function quotaNamesFor(resource: GroupResource, names: readonly string[]): string[] {
  return names.filter((name) => quotaNameMatches(resource, name));
}

/** The resource that a name counts objects or amounts of. */
export function resourceOfQuotaName(name: string): GroupResource {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.');
    return { group: group.join('.'), resource };
  }
  if (name.includes('.storageclass.storage.k8s.io/') || name === 'requests.storage')
    return { group: '', resource: 'persistentvolumeclaims' };
  if (name.startsWith('services.')) return { group: '', resource: 'services' };
  return { group: '', resource: bareNames.has(name) ? name : 'pods' };
}

const computeNames: ReadonlySet<string> = new Set(
  ['', 'requests.', 'limits.'].flatMap((prefix) => ['cpu', 'memory', 'ephemeral-storage'].map((name) => prefix + name)),
);

function quotaNameMatches(resource: GroupResource, name: string): boolean {
  const of = resourceOfQuotaName(name);
  if (of.group !== resource.group || of.resource !== resource.resource) return false;
  if (name.startsWith('count/') || bareNames.has(name) || resource.resource !== 'pods') return true;
  // The names of amounts that pods have; anything else is of nobody.
  return (
    computeNames.has(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && isExtended(name.slice('requests.'.length)))
  );
}

/** All that the object uses; of resources that quotas know nothing more of, its count. */
export function quotaUsage(resource: GroupResource, object: DeepReadonly<KubeObject>, nowMs: number): Amounts {
  const used: Amounts = new Map([[objectCountName(resource), one]]);
  if (resource.group !== '') return used;
  switch (resource.resource) {
    case 'pods':
      addPod(used, object as DeepReadonly<Pod>, nowMs);
      break;
    case 'services':
      addService(used, object as DeepReadonly<Service>);
      break;
    case 'persistentvolumeclaims':
      addClaim(used, object as DeepReadonly<PersistentVolumeClaim>);
      break;
    default:
      if (bareNames.has(resource.resource)) used.set(resource.resource, one);
  }
  return used;
}

/** Pods that have ended use nothing but the space of the object; nor do those that should be gone by now. */
export function usesQuota(pod: DeepReadonly<Pod>, nowMs: number): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function addPod(used: Amounts, pod: DeepReadonly<Pod>, nowMs: number): void {
  if (!usesQuota(pod, nowMs)) return;
  used.set('pods', one);
  for (const [name, amount] of podRequests(pod)) {
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')) {
      used.set(name, amount);
      used.set(`requests.${name}`, amount);
    } else if (isExtended(name)) used.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podLimits(pod))
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage') used.set(`limits.${name}`, amount);
}

function addService(used: Amounts, { spec }: DeepReadonly<Service>): void {
  const ports = spec?.ports ?? [];
  const isBalanced = spec?.type === 'LoadBalancer';
  let nodePorts = 0;
  if (isBalanced && spec.allocateLoadBalancerNodePorts === false) nodePorts = ports.filter((p) => p.nodePort).length;
  else if (isBalanced || spec?.type === 'NodePort') nodePorts = ports.length;
  used.set('services', one);
  used.set('services.nodeports', Quantity.of(nodePorts));
  used.set('services.loadbalancers', Quantity.of(isBalanced ? 1 : 0));
}

function addClaim(used: Amounts, { metadata, spec, status }: DeepReadonly<PersistentVolumeClaim>): void {
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName;
  const both = (name: string, amount: Quantity) => {
    used.set(name, amount);
    if (storageClass) used.set(`${storageClass}.storageclass.storage.k8s.io/${name}`, amount);
  };
  both('persistentvolumeclaims', one);
  const requested = spec?.resources?.requests?.['storage'];
  if (requested === undefined) return;
  const allocated = status?.allocatedResources?.['storage'];
  let amount = Quantity.parse(requested);
  if (allocated !== undefined && Quantity.parse(allocated).compare(amount) > 0) amount = Quantity.parse(allocated);
  // Whole bytes: a quota takes nothing else.
  const isWhole = amount.milliValue() === amount.value() * 1000n;
  both('requests.storage', isWhole ? amount : Quantity.of(amount.value()));
}

function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/');
}
