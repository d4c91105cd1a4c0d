/** The Service default/kubernetes, which leads to the API server itself, with its Endpoints and EndpointSlice. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { formatIpv4, ipFamilyOf, parseIpv4Cidr } from '../../machinery/net/ip.ts';
import type { Loopback, LoopbackResource } from './loopback.ts';

const namespace = 'default';
const name = 'kubernetes';
const services: LoopbackResource = { group: '', version: 'v1', resource: 'services' };
const endpoints: LoopbackResource = { group: '', version: 'v1', resource: 'endpoints' };
const slices: LoopbackResource = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };

/** The first address of the Service network. Throws for a range that is none. */
export function kubernetesServiceIp(serviceClusterIPRange: string): string {
  const cidr = parseIpv4Cidr(serviceClusterIPRange.split(',')[0]!);
  if (cidr === undefined)
    throw new Error(`making the kubernetes Service: ${serviceClusterIPRange} is no IPv4 range like 10.96.0.0/12`);
  return formatIpv4(cidr.base + 1);
}

/** Makes or mends all three, so that they lead to `address:port`. */
export async function reconcileKubernetesService(
  loopback: Loopback,
  where: { readonly clusterIP: string; readonly address: string; readonly port: number },
): Promise<void> {
  const port = { name: 'https', port: where.port, protocol: 'TCP' };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: where.clusterIP,
      clusterIPs: [where.clusterIP],
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: where.port }],
    },
  } as KubeObject;
  const stored = loopback.get<KubeObject & { spec?: { ports?: { targetPort?: number }[] } }>(services, namespace, name);
  if (stored === undefined) await loopback.create(services, service);
  else if (stored.spec?.ports?.[0]?.targetPort !== where.port)
    await loopback.update(services, {
      ...stored,
      spec: { ...stored.spec, ports: (service as typeof stored).spec!.ports },
    } as KubeObject);

  await put(loopback, endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: where.address }], ports: [port] }],
  } as KubeObject);
  await put(loopback, slices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: ipFamilyOf(where.address) ?? 'IPv4',
    endpoints: [{ addresses: [where.address], conditions: { ready: true } }],
    ports: [port],
  } as KubeObject);
}

/** Creates, or replaces what is there when it leads elsewhere. */
async function put(loopback: Loopback, at: LoopbackResource, wanted: KubeObject): Promise<void> {
  const stored = loopback.get(at, namespace, name);
  if (stored === undefined) return loopback.create(at, wanted);
  const { metadata, ...content } = wanted;
  const same = Object.entries(content).every(
    ([key, value]) =>
      key === 'kind' || key === 'apiVersion' || isSubset(value, (stored as unknown as Record<string, unknown>)[key]),
  );
  if (same) return;
  await loopback.update(at, {
    ...wanted,
    metadata: { ...stored.metadata, labels: { ...stored.metadata.labels, ...metadata.labels } },
  });
}

/** Whether everything in `wanted` is in `stored`: defaults that were added do not count. */
function isSubset(wanted: unknown, stored: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === stored;
  if (typeof stored !== 'object' || stored === null) return false;
  if (Array.isArray(wanted))
    return (
      Array.isArray(stored) && wanted.length === stored.length && wanted.every((item, i) => isSubset(item, stored[i]))
    );
  return Object.entries(wanted).every(([key, value]) => isSubset(value, (stored as Record<string, unknown>)[key]));
}
