import type { Service } from '../../generated/types/core/v1.ts';

/** Three hours: how long a client keeps its endpoint with affinity, unless it says otherwise. */
export const defaultAffinitySeconds = 10_800;

/** Whether traffic from outside the cluster can reach the Service, so that externalTrafficPolicy has a meaning. */
export function externallyAccessible(service: Service): boolean {
  const { type, externalIPs } = service.spec ?? {};
  return type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);
}

/** Addresses and families are not here: they are allocated. */
export function defaultService(service: Service): void {
  service.spec ??= {};
  const { spec } = service;
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= defaultAffinitySeconds;
  }
  for (const port of spec.ports ?? []) {
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (externallyAccessible(service)) spec.externalTrafficPolicy ||= 'Cluster';
  if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type ?? '')) spec.internalTrafficPolicy ||= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}
