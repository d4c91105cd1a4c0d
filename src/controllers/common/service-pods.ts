/** Which pods stand behind a Service, and when a change of a pod matters to it. */
import type { Pod, Service, ServicePort } from '../../apis/generated/types/core/v1.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromSet } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isPodReady, isPodTerminal } from './pods.ts';
import { timeMs } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;
type ReadonlyService = DeepReadonly<Service>;

export type IpFamily = 'IPv4' | 'IPv6';

export const familyOf = (ip: string): IpFamily => (ip.includes(':') ? 'IPv6' : 'IPv4');

/** Whether a controller makes endpoints for it: it selects pods, and is not a mere name. */
export function hasSelector(service: ReadonlyService): boolean {
  const { selector, type } = service.spec ?? {};
  return type !== 'ExternalName' && selector !== undefined && Object.keys(selector).length > 0;
}

export const isHeadless = (service: ReadonlyService): boolean => service.spec?.clusterIP === 'None';

/** Families of a Service, the first one leading. */
export function familiesOf(service: ReadonlyService): readonly IpFamily[] {
  const { ipFamilies, clusterIP } = service.spec ?? {};
  if (ipFamilies && ipFamilies.length > 0) return ipFamilies as readonly IpFamily[];
  return [clusterIP && clusterIP !== 'None' ? familyOf(clusterIP) : 'IPv4'];
}

export function podsOf(service: ReadonlyService, pods: Informer<Pod>): ReadonlyPod[] {
  const selector = selectorFromSet(service.spec?.selector);
  return pods.byNamespace(service.metadata.namespace ?? '').filter((pod) => selector.matches(pod.metadata.labels));
}

export function podIps(pod: ReadonlyPod, family: IpFamily): string[] {
  const ips = pod.status?.podIPs?.map(({ ip }) => ip) ?? (pod.status?.podIP ? [pod.status.podIP] : []);
  return ips.filter((ip) => familyOf(ip) === family);
}

/** May receive traffic now or has just stopped to: has an address and has not finished. */
export function mayBeEndpoint(pod: ReadonlyPod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod) || !(pod.status?.podIP || pod.status?.podIPs?.length)) return false;
  return includeTerminating || !pod.metadata.deletionTimestamp;
}

/** The number of a Service's target port on this pod; undefined when the pod has no port of that name. */
export function targetPort(pod: ReadonlyPod, port: DeepReadonly<ServicePort>): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  const sidecars = pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always') ?? [];
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars])
    for (const candidate of container.ports ?? [])
      if (candidate.name === target && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
        return candidate.containerPort;
  return undefined;
}

/** A pod's name within a headless Service that is its subdomain. */
export function hostnameIn(pod: ReadonlyPod, service: ReadonlyService): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** Tells `enqueue` the keys of Services that a change of pods may concern. */
export function followPods(
  pods: Informer<Pod>,
  services: Informer<Service>,
  enqueue: (serviceKey: string) => void,
): void {
  const selecting = (pod: ReadonlyPod) =>
    services
      .byNamespace(pod.metadata.namespace ?? '')
      .filter((s) => hasSelector(s) && selectorFromSet(s.spec?.selector).matches(pod.metadata.labels))
      .map(keyOf);
  const all = (pod: ReadonlyPod) => {
    for (const key of selecting(pod)) enqueue(key);
  };
  pods.addHandlers({
    onAdd: all,
    onDelete: all,
    onUpdate: (old, pod) => {
      const moved = !semanticEqual(old.metadata.labels, pod.metadata.labels);
      if (!moved && !endpointChanged(old, pod)) return;
      for (const key of new Set([...selecting(pod), ...(moved ? selecting(old) : [])])) enqueue(key);
    },
  });
}

function endpointChanged(old: ReadonlyPod, pod: ReadonlyPod): boolean {
  return (
    old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    isPodReady(old) !== isPodReady(pod) ||
    isPodTerminal(old) !== isPodTerminal(pod) ||
    old.spec?.nodeName !== pod.spec?.nodeName ||
    old.metadata.uid !== pod.metadata.uid ||
    old.status?.podIP !== pod.status?.podIP ||
    !semanticEqual(old.status?.podIPs, pod.status?.podIPs)
  );
}

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** The oldest change that the endpoints about to be written are the answer to, for measuring how long that took. */
export class TriggerTimes {
  readonly #known = new Map<string, { readonly service: string; readonly pods: ReadonlyMap<string, number> }>();

  /** RFC 3339; undefined when nothing has changed since the last call. */
  next(key: string, service: ReadonlyService, pods: readonly ReadonlyPod[]): string | undefined {
    const before = this.#known.get(key);
    const created = service.metadata.creationTimestamp ?? '';
    const now = new Map<string, number>();
    const changed: number[] = [];
    for (const pod of pods) {
      const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
      const ms = timeMs(ready?.lastTransitionTime);
      if (ms === undefined) continue;
      now.set(pod.metadata.name ?? '', ms);
      if (ms > (before?.pods.get(pod.metadata.name ?? '') ?? 0)) changed.push(ms);
    }
    const createdMs = timeMs(created);
    if (before?.service !== created && createdMs !== undefined) changed.push(createdMs);
    this.#known.set(key, { service: created, pods: now });
    return changed.length > 0 ? new Date(Math.min(...changed)).toISOString().replace('.000Z', 'Z') : undefined;
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
