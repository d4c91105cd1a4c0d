/**
 * The EndpointSlices of a Service: which to make, change and delete so that they hold its pods, with as few writes as
 * possible. Pure.
 */
import type { Node, Pod, Service } from '../../apis/generated/types/core/v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { isPodReady } from '../common/pods.ts';
import {
  familiesOf,
  hostnameIn,
  type IpFamily,
  isHeadless,
  mayBeEndpoint,
  podIps,
  targetPort,
  triggerTimeAnnotation,
} from '../common/service-pods.ts';

type Slice = DeepReadonly<EndpointSlice>;
type ReadonlyPod = DeepReadonly<Pod>;
type ReadonlyService = DeepReadonly<Service>;

export const maxEndpointsPerSlice = 100;
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managedByValue = 'endpointslice-controller.k8s.io';
export const serviceNameLabel = 'kubernetes.io/service-name';
const headlessLabel = 'service.kubernetes.io/headless';
const zoneLabel = 'topology.kubernetes.io/zone';

export interface SliceState {
  readonly service: ReadonlyService;
  readonly pods: readonly ReadonlyPod[];
  readonly node: (name: string) => DeepReadonly<Node> | undefined;
  /** Those that this controller manages for the Service. */
  readonly slices: readonly Slice[];
  readonly triggerTime: string | undefined;
}

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Slice[];
  /** Pods left out because their node is not known (yet). */
  readonly skipped: readonly string[];
}

/** Endpoints that share a list of ports, for one family: what one slice, or several, can hold. */
interface Group {
  readonly family: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

export function planSlices(state: SliceState): SlicePlan {
  const { service, slices } = state;
  const { groups, skipped } = desiredGroups(state);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const obsolete: Slice[] = [];
  const families = familiesOf(service);

  const rest = new Set(slices);
  for (const [key, group] of groups) {
    const existing = slices.filter((slice) => groupKey(slice.addressType, slice.ports ?? []) === key);
    for (const slice of existing) rest.delete(slice);
    fillGroup(state, group, existing, { create, update, obsolete });
  }
  obsolete.push(...rest);

  // Rather than deleting one and making another, the old one is filled anew.
  while (create.length > 0) {
    const at = obsolete.findIndex((slice) => slice.addressType === create[0]!.addressType);
    if (at < 0) break;
    const [old] = obsolete.splice(at, 1);
    const made = create.shift()!;
    update.push({ ...made, metadata: { ...(old as EndpointSlice).metadata, ...withoutName(made.metadata) } });
  }

  // A Service with no endpoint still has a slice of each family, so that its readers know that there is none.
  for (const family of families) {
    const kept = slices.filter((slice) => slice.addressType === family && !obsolete.includes(slice));
    if (kept.length > 0 || create.some((slice) => slice.addressType === family)) continue;
    const placeholder = newSlice(state, { family, ports: [], endpoints: [] });
    const reused = obsolete.findIndex((slice) => slice.addressType === family);
    if (reused < 0) create.push(placeholder);
    else {
      const [old] = obsolete.splice(reused, 1);
      const isPlaceholder = (old!.endpoints ?? []).length === 0 && (old!.ports ?? []).length === 0;
      if (!isPlaceholder || !hasMetadata(state, old!))
        update.push({
          ...placeholder,
          metadata: { ...(old as EndpointSlice).metadata, ...withoutName(placeholder.metadata) },
        });
    }
  }
  return { create, update, delete: obsolete, skipped };
}

function desiredGroups(state: SliceState): { readonly groups: Map<string, Group>; readonly skipped: string[] } {
  const { service, pods } = state;
  const groups = new Map<string, Group>();
  const skipped: string[] = [];
  for (const pod of pods) {
    if (!mayBeEndpoint(pod, true)) continue;
    const { nodeName } = pod.spec ?? {};
    const node = nodeName ? state.node(nodeName) : undefined;
    if (nodeName && !node && !service.spec?.publishNotReadyAddresses) {
      skipped.push(pod.metadata.name ?? '');
      continue;
    }
    const ports = portsOf(service, pod);
    for (const family of familiesOf(service)) {
      const addresses = podIps(pod, family);
      if (addresses.length === 0) continue;
      const key = groupKey(family, ports);
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { family, ports, endpoints: [] }));
      group.endpoints.push(endpointOf(service, pod, addresses, node));
    }
  }
  return { groups, skipped };
}

function portsOf(service: ReadonlyService, pod: ReadonlyPod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    });
  }
  return ports;
}

function endpointOf(
  service: ReadonlyService,
  pod: ReadonlyPod,
  addresses: string[],
  node: DeepReadonly<Node> | undefined,
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const zone = node?.metadata.labels?.[zoneLabel];
  const hostname = hostnameIn(pod, service);
  return {
    addresses,
    conditions: {
      // Never true of a pod that is going away, unless the Service wants them whatever their state.
      ready: service.spec?.publishNotReadyAddresses || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname ? { hostname } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
  };
}

/** Puts a group's endpoints into its slices: each stays where it is, new ones fill what has to be written anyway. */
function fillGroup(
  state: SliceState,
  group: Group,
  existing: readonly Slice[],
  out: { create: EndpointSlice[]; update: EndpointSlice[]; obsolete: Slice[] },
): void {
  const left = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const kept: { readonly slice: Slice; readonly endpoints: Endpoint[]; changed: boolean }[] = [];
  for (const slice of existing) {
    const endpoints: Endpoint[] = [];
    let changed = !hasMetadata(state, slice);
    for (const endpoint of slice.endpoints ?? []) {
      const wanted = left.get(endpointKey(endpoint));
      if (!wanted) {
        changed = true;
        continue;
      }
      left.delete(endpointKey(endpoint));
      endpoints.push(wanted);
      changed ||= !semanticEqual(endpoint, wanted);
    }
    if (endpoints.length === 0) out.obsolete.push(slice);
    else kept.push({ slice, endpoints, changed });
  }

  const waiting = [...left.values()];
  const room = (k: (typeof kept)[number]) => maxEndpointsPerSlice - k.endpoints.length;
  for (const k of kept.filter((k) => k.changed).sort((a, b) => room(a) - room(b)))
    k.endpoints.push(...waiting.splice(0, room(k)));
  if (waiting.length > 0) {
    // One write may do: into the fullest slice that takes all the rest.
    const taker = kept.filter((k) => !k.changed && room(k) >= waiting.length % maxEndpointsPerSlice);
    const fullest = taker.sort((a, b) => room(a) - room(b))[0];
    if (fullest && waiting.length % maxEndpointsPerSlice > 0) {
      fullest.endpoints.push(...waiting.splice(0, waiting.length % maxEndpointsPerSlice));
      fullest.changed = true;
    }
  }
  for (const { slice, endpoints, changed } of kept) {
    if (!changed) continue;
    const fresh = newSlice(state, { ...group, endpoints });
    out.update.push({ ...fresh, metadata: { ...(slice as EndpointSlice).metadata, ...withoutName(fresh.metadata) } });
  }
  while (waiting.length > 0)
    out.create.push(newSlice(state, { ...group, endpoints: waiting.splice(0, maxEndpointsPerSlice) }));
}

function newSlice(state: SliceState, group: Group): EndpointSlice {
  const { service, triggerTime } = state;
  const { name = '', namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      ...(namespace ? { namespace } : {}),
      labels: labelsFor(service),
      ...(triggerTime ? { annotations: { [triggerTimeAnnotation]: triggerTime } } : {}),
      ownerReferences: [newControllerRef(service, 'v1', 'Service')],
    },
    addressType: group.family,
    endpoints: group.endpoints,
    ports: [...group.ports],
  };
}

/** The Service's own labels, and those by which slices are found. */
function labelsFor(service: ReadonlyService): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata.labels };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[serviceNameLabel] = service.metadata.name ?? '';
  labels[managedByLabel] = managedByValue;
  return labels;
}

const hasMetadata = ({ service }: SliceState, slice: Slice): boolean =>
  semanticEqual(slice.metadata.labels, labelsFor(service)) &&
  (slice.metadata.ownerReferences ?? []).some((owner) => owner.uid === service.metadata.uid);

const withoutName = ({ generateName: _, ...metadata }: EndpointSlice['metadata']) => metadata;

/** What an endpoint is, whatever its state. */
const endpointKey = (endpoint: DeepReadonly<Endpoint>): string =>
  [endpoint.targetRef?.namespace, endpoint.targetRef?.name, endpoint.targetRef?.uid, ...endpoint.addresses].join('|');

function groupKey(family: string, ports: readonly DeepReadonly<EndpointPort>[]): string {
  const texts = ports.map((p) => [p.name ?? '', p.port, p.protocol ?? 'TCP', p.appProtocol ?? ''].join('/'));
  return [family, ...texts.sort()].join('|');
}
