/**
 * An IPAddress for each address that a Service holds, and ServiceCIDRs that say whether they are in use. What Services
 * hold is the truth: IPAddresses of ours that no Service stands for are removed, missing ones made.
 */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { IPAddress, ServiceCIDR } from '../../apis/generated/types/networking.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import { ipFamilyOf, parseIpv4, parseIpv4Cidr } from '../../machinery/net/ip.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { Loopback } from '../bootstrap/loopback.ts';
import { followChanges } from '../bootstrap/on-change.ts';
import type { Lookup } from '../registry/registry.ts';
import { timeText } from '../../machinery/meta/time.ts';

const group = 'networking.k8s.io';
const addresses = { group, version: 'v1', resource: 'ipaddresses' };
const ranges = { group, version: 'v1', resource: 'servicecidrs' };
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const allocator = 'ipallocator.k8s.io';
const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const defaultRange = 'kubernetes';

export interface IpAddressesDependencies {
  readonly lookup: Lookup;
  readonly loopback: Loopback;
  readonly clock: Clock;
  readonly onError: (error: unknown, what: string) => void;
}

/** Both, until the signal ends it. */
export async function keepIpAddresses(deps: IpAddressesDependencies, signal: AbortSignal): Promise<void> {
  const { lookup, onError } = deps;
  await Promise.all([
    followChanges(
      {
        lookup,
        reads: [
          ['', 'services'],
          [group, 'ipaddresses'],
        ],
        sync: () => syncAddresses(deps),
        clock: deps.clock,
        onError: (error) => onError(error, 'IPAddresses of Services'),
      },
      signal,
    ),
    followChanges(
      {
        lookup,
        reads: [
          [group, 'servicecidrs'],
          [group, 'ipaddresses'],
        ],
        sync: () => syncRanges(deps),
        clock: deps.clock,
        onError: (error) => onError(error, 'the status of ServiceCIDRs'),
      },
      signal,
    ),
  ]);
}

async function syncAddresses({ lookup, loopback }: IpAddressesDependencies): Promise<void> {
  const held = new Map<string, Service>();
  for (const service of lookup.list<Service>('', 'services'))
    if (service.spec?.type !== 'ExternalName')
      for (const ip of service.spec?.clusterIPs ?? []) if (ipFamilyOf(ip) !== undefined) held.set(ip, service);
  const existing = new Map(lookup.list<IPAddress>(group, 'ipaddresses').map((a) => [a.metadata.name!, a]));
  const work: Promise<void>[] = [];
  for (const [ip, service] of held)
    if (!existing.has(ip)) work.push(quietly(loopback.create(addresses, addressOf(ip, service) as KubeObject)));
  for (const [ip, address] of existing)
    if (address.metadata.labels?.[managedBy] === allocator && !held.has(ip) && !address.metadata.deletionTimestamp)
      work.push(quietly(loopback.delete(addresses, undefined, ip)));
  await Promise.all(work);
}

function addressOf(ip: string, { metadata }: Service): IPAddress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: ip,
      labels: { 'ipaddress.kubernetes.io/ip-family': ipFamilyOf(ip)!, [managedBy]: allocator },
    },
    spec: { parentRef: { resource: 'services', namespace: metadata.namespace!, name: metadata.name! } },
  };
}

async function syncRanges({ lookup, loopback, clock }: IpAddressesDependencies): Promise<void> {
  const all = lookup.list<ServiceCIDR>(group, 'servicecidrs');
  for (const range of all) {
    const { metadata } = range;
    const guarded = metadata.finalizers?.includes(finalizer) === true;
    const leaving = metadata.deletionTimestamp !== undefined;
    if (!leaving && !guarded) {
      const finalizers = [...(metadata.finalizers ?? []), finalizer];
      await quietly(loopback.update(ranges, { ...range, metadata: { ...metadata, finalizers } } as KubeObject));
      continue;
    }
    if (leaving && guarded && !isInUse(range, all, lookup)) {
      const finalizers = metadata.finalizers!.filter((f) => f !== finalizer);
      await quietly(loopback.update(ranges, { ...range, metadata: { ...metadata, finalizers } } as KubeObject));
      continue;
    }
    if (!leaving || guarded) await tellReady(range, leaving, loopback, clock);
  }
}

async function tellReady(range: ServiceCIDR, leaving: boolean, loopback: Loopback, clock: Clock): Promise<void> {
  const isDefault = range.metadata.name === defaultRange;
  const wanted = leaving
    ? {
        type: 'Ready',
        status: 'False',
        reason: 'Terminating',
        message:
          'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
      }
    : {
        type: 'Ready',
        status: 'True',
        reason: '',
        message: isDefault ? 'Kubernetes default Service CIDR is ready' : 'Kubernetes Service CIDR is ready',
      };
  const conditions = range.status?.conditions ?? [];
  const old = conditions.find((c) => c.type === 'Ready');
  if (old?.status === wanted.status) return;
  const others = conditions.filter((c) => c.type !== 'Ready');
  const status = { conditions: [...others, { ...wanted, lastTransitionTime: timeText(clock.now()) }] };
  await quietly(loopback.update(ranges, { ...range, status } as KubeObject, 'status'));
}

/** Whether an address is of this range alone. */
function isInUse(range: ServiceCIDR, all: readonly ServiceCIDR[], lookup: Lookup): boolean {
  const others = all.filter((r) => r !== range && r.metadata.deletionTimestamp === undefined);
  const covers = (r: ServiceCIDR, ip: string) => (r.spec?.cidrs ?? []).some((cidr) => contains(cidr, ip));
  return lookup
    .list<IPAddress>(group, 'ipaddresses')
    .some(({ metadata }) => covers(range, metadata.name!) && !others.some((r) => covers(r, metadata.name!)));
}

function contains(cidr: string, ip: string): boolean {
  const range = parseIpv4Cidr(cidr);
  const value = parseIpv4(ip);
  return range !== undefined && value !== undefined && value >= range.base && value < range.base + range.size;
}

/** What somebody else did first, or undid, shows in the cache and leads to another round. */
async function quietly(write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
  }
}
