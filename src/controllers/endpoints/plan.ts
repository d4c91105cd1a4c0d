/** The Endpoints object of a Service: its pods' addresses, grouped by the ports they serve. Pure. */
import type {
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
  Pod,
  Service,
} from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isPodReady } from '../common/pods.ts';
import {
  familiesOf,
  hostnameIn,
  isHeadless,
  mayBeEndpoint,
  podIps,
  targetPort,
  triggerTimeAnnotation,
} from '../common/service-pods.ts';

type ReadonlyPod = DeepReadonly<Pod>;
type ReadonlyService = DeepReadonly<Service>;

/** More addresses than this are cut off, and an annotation says so. */
export const maxAddresses = 1000;
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';
const headlessLabel = 'service.kubernetes.io/headless';
const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const managedByValue = 'endpoint-controller';

interface Target {
  readonly address: EndpointAddress;
  readonly ready: boolean;
  readonly ports: readonly EndpointPort[];
}

/** The object to write; undefined when what is there says the same. */
export function planEndpoints(input: {
  readonly service: ReadonlyService;
  readonly pods: readonly ReadonlyPod[];
  readonly current: DeepReadonly<Endpoints> | undefined;
  readonly triggerTime: string | undefined;
}): Endpoints | undefined {
  const { service, pods, current, triggerTime } = input;
  const targets = pods.flatMap((pod) => targetOf(service, pod) ?? []);
  const kept = cut(targets);
  const subsets = pack(kept);
  const labels: Record<string, string> = { ...service.metadata.labels, [managedByLabel]: managedByValue };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = '';

  const annotations: Record<string, string> = { ...current?.metadata.annotations };
  delete annotations[overCapacityAnnotation];
  if (kept.length < targets.length) annotations[overCapacityAnnotation] = 'truncated';
  const isSame =
    current !== undefined &&
    semanticEqual(current.subsets, subsets) &&
    semanticEqual(current.metadata.labels, labels) &&
    semanticEqual(current.metadata.annotations, annotations);
  if (isSame) return undefined;

  delete annotations[triggerTimeAnnotation];
  if (triggerTime) annotations[triggerTimeAnnotation] = triggerTime;
  const { name = '', namespace } = service.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...(current ? (current as Endpoints).metadata : { name, ...(namespace ? { namespace } : {}) }),
      labels,
      annotations,
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
}

function targetOf(service: ReadonlyService, pod: ReadonlyPod): Target | undefined {
  const publishAll = service.spec?.publishNotReadyAddresses ?? false;
  if (!mayBeEndpoint(pod, publishAll)) return undefined;
  const [ip] = podIps(pod, familiesOf(service)[0] ?? 'IPv4');
  if (ip === undefined) return undefined;
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      ...(port.name ? { name: port.name } : {}),
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    });
  }
  // Ports that the pod does not have make no endpoint; no ports at all do, of a headless Service.
  if (ports.length === 0 && !(isHeadless(service) && (service.spec?.ports ?? []).length === 0)) return undefined;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const hostname = hostnameIn(pod, service);
  return {
    ready: publishAll || isPodReady(pod),
    ports,
    address: {
      ip,
      ...(hostname ? { hostname } : {}),
      ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: { kind: 'Pod', namespace, name, uid },
    },
  };
}

/** Ready ones first to stay. */
function cut(targets: readonly Target[]): readonly Target[] {
  if (targets.length <= maxAddresses) return targets;
  return [...targets].sort((a, b) => Number(b.ready) - Number(a.ready)).slice(0, maxAddresses);
}

/** Addresses with the same ports share a subset; all in a stable order. */
function pack(targets: readonly Target[]): EndpointSubset[] {
  const groups = new Map<string, Target[]>();
  for (const target of targets) {
    const key = JSON.stringify([...target.ports].sort(comparePorts));
    const group = groups.get(key);
    if (group) group.push(target);
    else groups.set(key, [target]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => {
      const addresses = group
        .filter((t) => t.ready)
        .map((t) => t.address)
        .sort(compareAddresses);
      const notReady = group
        .filter((t) => !t.ready)
        .map((t) => t.address)
        .sort(compareAddresses);
      const ports = [...group[0]!.ports].sort(comparePorts);
      return {
        ...(addresses.length > 0 ? { addresses } : {}),
        ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
        ...(ports.length > 0 ? { ports } : {}),
      };
    });
}

const comparePorts = (a: EndpointPort, b: EndpointPort) =>
  (a.name ?? '') < (b.name ?? '') ? -1 : (a.name ?? '') > (b.name ?? '') ? 1 : a.port - b.port;

const compareAddresses = (a: EndpointAddress, b: EndpointAddress) =>
  a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : (a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1;
