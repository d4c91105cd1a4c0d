/** The zone's view of the cluster, kept by informers: every look-up is one of a map. */
import type { Namespace, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import type { ZoneSource } from './zone.ts';

/** Indexes that informer handlers feed. */
export class IndexedSource implements ZoneSource {
  readonly #services = new Map<string, DeepReadonly<Service>>();
  readonly #serviceByIp = new Map<string, DeepReadonly<Service>>();
  readonly #sliceByKey = new Map<string, DeepReadonly<EndpointSlice>>();
  readonly #slices = new Map<string, Set<DeepReadonly<EndpointSlice>>>();
  readonly #slicesByIp = new Map<string, Set<DeepReadonly<EndpointSlice>>>();
  readonly #namespaces = new Set<string>();

  service(namespace: string, name: string): DeepReadonly<Service> | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[] {
    return [...(this.#slices.get(`${namespace}/${service}`) ?? [])];
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  serviceByIp(ip: string): DeepReadonly<Service> | undefined {
    return this.#serviceByIp.get(ip);
  }

  slicesByIp(ip: string): readonly DeepReadonly<EndpointSlice>[] {
    return [...(this.#slicesByIp.get(ip) ?? [])];
  }

  setNamespace(namespace: DeepReadonly<Namespace>): void {
    this.#namespaces.add(namespace.metadata.name ?? '');
  }

  deleteNamespace(namespace: DeepReadonly<Namespace>): void {
    this.#namespaces.delete(namespace.metadata.name ?? '');
  }

  setService(service: DeepReadonly<Service>): void {
    this.deleteService(service);
    this.#services.set(keyOf(service), service);
    for (const ip of clusterIpsOf(service)) this.#serviceByIp.set(ip, service);
  }

  /** Removes what is known under the object's name, whatever its state was then. */
  deleteService(service: DeepReadonly<Service>): void {
    const known = this.#services.get(keyOf(service));
    if (!known) return;
    this.#services.delete(keyOf(known));
    for (const ip of clusterIpsOf(known)) if (this.#serviceByIp.get(ip) === known) this.#serviceByIp.delete(ip);
  }

  setSlice(slice: DeepReadonly<EndpointSlice>): void {
    this.deleteSlice(slice);
    this.#sliceByKey.set(keyOf(slice), slice);
    addTo(this.#slices, ownerOf(slice), slice);
    for (const ip of addressesOf(slice)) addTo(this.#slicesByIp, ip, slice);
  }

  deleteSlice(slice: DeepReadonly<EndpointSlice>): void {
    const known = this.#sliceByKey.get(keyOf(slice));
    if (!known) return;
    this.#sliceByKey.delete(keyOf(known));
    removeFrom(this.#slices, ownerOf(known), known);
    for (const ip of addressesOf(known)) removeFrom(this.#slicesByIp, ip, known);
  }
}

function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const at = map.get(key);
  if (at) at.add(value);
  else map.set(key, new Set([value]));
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const at = map.get(key);
  at?.delete(value);
  if (at?.size === 0) map.delete(key);
}

const clusterIpsOf = (s: DeepReadonly<Service>) => (s.spec?.clusterIPs ?? []).filter((ip: string) => ip !== 'None');
const keyOf = (o: DeepReadonly<KubeObject>) => `${o.metadata.namespace}/${o.metadata.name}`;
const ownerOf = (s: DeepReadonly<EndpointSlice>) =>
  `${s.metadata.namespace}/${s.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
const addressesOf = (s: DeepReadonly<EndpointSlice>) => (s.endpoints ?? []).flatMap((e) => [...(e.addresses ?? [])]);
