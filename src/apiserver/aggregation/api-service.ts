/** APIServices as the aggregator reads them. */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import type { OutboundPeer } from '../outbound/outbound.ts';
import type { LoopbackResource } from '../bootstrap/loopback.ts';

export const apiServices: LoopbackResource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
};

export const apiServiceName = (group: string, version: string): string => `${version}.${group}`;

export const defaultServicePort = 443;

/** Whether another server answers for it. */
export const isRemote = (service: APIService): boolean => Boolean(service.spec?.service);

export function isAvailable(service: APIService): boolean {
  return service.status?.conditions?.find((c) => c.type === 'Available')?.status === 'True';
}

/** How the server behind an APIService proves itself; where it is changes from call to call. */
export function peerOf({ spec }: APIService): Omit<OutboundPeer, 'connectTo'> & { readonly origin: string } {
  const { name = '', namespace = '', port = defaultServicePort } = spec?.service ?? {};
  const serverName = `${name}.${namespace}.svc`;
  return {
    origin: `https://${serverName}:${port}`,
    serverName,
    ...(spec?.caBundle ? { caPem: atob(spec.caBundle) } : {}),
    ...(spec?.insecureSkipTLSVerify ? { insecureSkipTLSVerify: true } : {}),
  };
}
