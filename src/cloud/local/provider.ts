/** The provider of clusters that no cloud runs: addresses from a pool, announced on the segment, or the nodes' own. */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { servicesResource, slicesResource } from '../context.ts';
import type { CloudProvider } from '../provider.ts';
import { actionFor } from '../service/plan.ts';
import { announcedByAnnotation, announcer, nodeAddresses, poolAddress } from './plan.ts';
import type { AddressPool } from './pool.ts';

export interface LocalProviderOptions {
  /** Absent: Services have their ports on the nodes' own addresses. */
  readonly pool?: AddressPool;
  /** TCP ports of the nodes that no Service may take. */
  readonly reservedPorts: readonly number[];
}

const ownerOf = (slice: DeepReadonly<EndpointSlice>) =>
  `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;

export function createLocalProvider(options: LocalProviderOptions, informers: InformerFactory): CloudProvider {
  const services = informers.informer<Service>(servicesResource);
  const slices = informers.informer<EndpointSlice>(slicesResource);
  slices.addIndex('byOwner', (slice) => [ownerOf(slice)]);
  const isBalanced = (service: DeepReadonly<Service>) => actionFor(service) === 'ensure';
  /** Addresses given to a Service whose status the informer does not show yet. */
  const given = new Map<string, string>();
  const keyOf = ({ metadata }: DeepReadonly<Service>) => `${metadata.namespace}/${metadata.name}`;

  const others = (service: DeepReadonly<Service>): DeepReadonly<Service>[] =>
    services.list().flatMap((other): DeepReadonly<Service>[] => {
      if (other.metadata.uid === service.metadata.uid || !isBalanced(other)) return [];
      const ip = given.get(keyOf(other));
      if (!ip || other.status?.loadBalancer?.ingress?.length) return [other];
      return [{ ...other, status: { loadBalancer: { ingress: [{ ip }] } } }];
    });

  const usable = (service: DeepReadonly<Service>) => {
    if (service.spec?.externalTrafficPolicy !== 'Local') return undefined;
    const names = new Set(
      slices
        .byIndex('byOwner', keyOf(service))
        .flatMap((slice) => (slice.endpoints ?? []).filter((e) => e.conditions?.ready ?? true))
        .map((e) => e.nodeName),
    );
    return (nodeName: string) => names.has(nodeName);
  };

  return {
    name: 'local',
    loadBalancers: {
      async ensure(service, nodes) {
        const { pool, reservedPorts } = options;
        if (!pool) {
          const ips = nodeAddresses(service, others(service), nodes, reservedPorts);
          if (ips[0]) given.set(keyOf(service), ips[0]);
          return { status: { ingress: ips.map((ip) => ({ ip, ipMode: 'VIP' })) } };
        }
        const ip = poolAddress(service, others(service), pool);
        given.set(keyOf(service), ip);
        const current = service.metadata.annotations?.[announcedByAnnotation];
        const by = announcer(ip, nodes, current, usable(service)) ?? '';
        return { status: { ingress: [{ ip, ipMode: 'VIP' }] }, annotations: { [announcedByAnnotation]: by } };
      },
      async ensureDeleted(service) {
        given.delete(keyOf(service));
      },
      follow(touch) {
        const onSlice = (slice: DeepReadonly<EndpointSlice>) => {
          const owner = services.get(ownerOf(slice));
          if (owner && isBalanced(owner) && owner.spec?.externalTrafficPolicy === 'Local') touch(ownerOf(slice));
        };
        const ends = [
          slices.addHandlers({ onAdd: onSlice, onUpdate: (_, slice) => onSlice(slice), onDelete: onSlice }),
          // An address or a port that is free again may be what others wait for.
          services.addHandlers({
            onDelete: (gone) => {
              for (const other of services.list())
                if (isBalanced(other) && keyOf(other) !== keyOf(gone)) touch(keyOf(other));
            },
          }),
        ];
        return () => {
          for (const end of ends) end();
        };
      },
    },
  };
}
