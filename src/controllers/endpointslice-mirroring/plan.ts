/** The EndpointSlices that say the same as Endpoints that somebody wrote by hand. Pure. */
import type { EndpointAddress, Endpoints, Service } from '../../apis/generated/types/core/v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { ipFamilyOf } from '../../machinery/net/ip.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { familyOf, hasSelector, type IpFamily, triggerTimeAnnotation } from '../common/service-pods.ts';
import { managedByLabel, serviceNameLabel } from '../endpointslice/plan.ts';

type ReadonlyEndpoints = DeepReadonly<Endpoints>;
type Slice = DeepReadonly<EndpointSlice>;

export const mirroredBy = 'endpointslicemirroring-controller.k8s.io';
/** As upstream's --mirroring-max-endpoints-per-subset. */
const maxPerSubset = 1000;
const notMirrored: ReadonlySet<string> = new Set([
  triggerTimeAnnotation,
  'kubectl.kubernetes.io/last-applied-configuration',
]);

export interface MirrorPlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Slice[];
  readonly invalid: number;
  readonly skipped: number;
}

/** Endpoints of a Service that selects pods are not written by hand; nor are the old records of leader elections. */
export function isMirrored(
  endpoints: ReadonlyEndpoints | undefined,
  service: DeepReadonly<Service> | undefined,
): endpoints is ReadonlyEndpoints {
  if (endpoints === undefined || service === undefined || hasSelector(service)) return false;
  const { labels, annotations, deletionTimestamp } = endpoints.metadata;
  return (
    deletionTimestamp === undefined &&
    labels?.['endpointslice.kubernetes.io/skip-mirror'] !== 'true' &&
    annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined
  );
}

/** `slices`: those that mirror these Endpoints now. Undefined Endpoints: nothing is to be mirrored. */
export function planMirror(endpoints: ReadonlyEndpoints | undefined, slices: readonly Slice[]): MirrorPlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const rest = new Set(slices);
  const { groups, invalid, skipped } = groupsOf(endpoints);
  for (const group of groups.values()) {
    const made = sliceOf(endpoints!, group);
    const [first] = [...rest].filter((s) => groupKey(s.addressType as IpFamily, s.ports ?? []) === group.key);
    if (first === undefined) {
      create.push(made);
      continue;
    }
    rest.delete(first);
    if (!saysTheSame(first, made)) update.push(inPlaceOf(first, made));
  }
  // One that would go is filled anew instead of making another.
  for (const old of [...rest]) {
    const at = create.findIndex((made) => made.addressType === old.addressType);
    if (at < 0) continue;
    update.push(inPlaceOf(old, create.splice(at, 1)[0]!));
    rest.delete(old);
  }
  return { create, update, delete: [...rest], invalid, skipped };
}

interface Group {
  readonly key: string;
  readonly family: IpFamily;
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

function groupsOf(endpoints: ReadonlyEndpoints | undefined) {
  const groups = new Map<string, Group>();
  let invalid = 0;
  let skipped = 0;
  for (const subset of endpoints?.subsets ?? []) {
    const ports = (subset.ports ?? []).map(
      (port): EndpointPort => ({
        name: port.name ?? '',
        port: port.port,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      }),
    );
    let added = 0;
    const add = (address: DeepReadonly<EndpointAddress>, ready: boolean) => {
      if (added >= maxPerSubset) {
        skipped++;
        return;
      }
      if (ipFamilyOf(address.ip) === undefined) {
        invalid++;
        return;
      }
      added++;
      const family = familyOf(address.ip);
      const key = groupKey(family, ports);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { key, family, ports, endpoints: new Map() }));
      // An address that is ready for one subset is not so for another: the first to say so counts.
      const known = `${address.ip} ${address.targetRef?.uid ?? ''}`;
      if (!group.endpoints.has(known)) group.endpoints.set(known, endpointOf(address, ready));
    };
    for (const address of subset.addresses ?? []) add(address, true);
    for (const address of subset.notReadyAddresses ?? []) add(address, false);
  }
  return { groups, invalid, skipped };
}

function endpointOf({ ip, targetRef, nodeName, hostname }: DeepReadonly<EndpointAddress>, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(targetRef === undefined ? {} : { targetRef: { ...targetRef } }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname ? { hostname } : {}),
  };
}

function sliceOf(endpoints: ReadonlyEndpoints, group: Group): EndpointSlice {
  const { name = '', namespace, labels, annotations } = endpoints.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !notMirrored.has(key));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirroredBy },
      ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}),
      ownerReferences: [newControllerRef(endpoints, 'v1', 'Endpoints')],
    },
    addressType: group.family,
    endpoints: [...group.endpoints.values()],
    ports: group.ports,
  };
}

function saysTheSame(old: Slice, made: EndpointSlice): boolean {
  return (
    semanticEqual(old.endpoints, made.endpoints) &&
    semanticEqual(old.metadata.labels, made.metadata.labels) &&
    semanticEqual(old.metadata.annotations ?? {}, made.metadata.annotations ?? {}) &&
    semanticEqual(old.metadata.ownerReferences, made.metadata.ownerReferences)
  );
}

function inPlaceOf(old: Slice, made: EndpointSlice): EndpointSlice {
  const { generateName: _, ...metadata } = made.metadata;
  const { annotations: __, ...kept } = old.metadata as EndpointSlice['metadata'];
  return { ...made, metadata: { ...kept, ...metadata } };
}

function groupKey(family: IpFamily, ports: readonly DeepReadonly<EndpointPort>[]): string {
  const texts = ports.map((p) => [p.name ?? '', p.port, p.protocol ?? 'TCP', p.appProtocol ?? ''].join('/'));
  return [family, ...texts.sort()].join('|');
}
