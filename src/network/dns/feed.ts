/** Keeps an `IndexedSource` as the API server has it. */
import type { Namespace, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { IndexedSource } from './source.ts';

/** Returns what ends the feeding; resolves once all three resources are there. */
export async function feed(
  source: IndexedSource,
  informers: InformerFactory,
  signal: AbortSignal,
): Promise<() => void> {
  const namespaces = informers.informer<Namespace>({ group: '', version: 'v1', resource: 'namespaces' });
  const services = informers.informer<Service>({ group: '', version: 'v1', resource: 'services' });
  const slices = informers.informer<EndpointSlice>({
    group: 'discovery.k8s.io',
    version: 'v1',
    resource: 'endpointslices',
  });
  const stops = [
    namespaces.addHandlers({
      onAdd: (o) => source.setNamespace(o),
      onDelete: (o) => source.deleteNamespace(o),
    }),
    services.addHandlers({
      onAdd: (o) => source.setService(o),
      onUpdate: (_, o) => source.setService(o),
      onDelete: (o) => source.deleteService(o),
    }),
    slices.addHandlers({
      onAdd: (o) => source.setSlice(o),
      onUpdate: (_, o) => source.setSlice(o),
      onDelete: (o) => source.deleteSlice(o),
    }),
  ];
  for (const informer of [namespaces, services, slices]) informer.start();
  await Promise.all([namespaces, services, slices].map((informer) => informer.whenSynced(signal)));
  return () => {
    for (const stop of stops) stop();
  };
}
