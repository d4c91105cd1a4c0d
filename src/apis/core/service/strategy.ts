/** How Services change: what was allocated for them stays with them, unless what they are now has no use for it. */
import { carryOver } from '../../common/strategies.ts';
import type { Service, ServiceSpec } from '../../generated/types/core/v1.ts';
import type { Strategy } from '../../kind.ts';
import { externallyAccessible } from './defaults.ts';
import { validateService, validateServiceUpdate } from './validation.ts';
import { serviceWarnings } from './warnings.ts';

const needsClusterIp = (spec: ServiceSpec) => spec.type !== 'ExternalName';
const needsNodePort = (spec: ServiceSpec) => spec.type === 'NodePort' || spec.type === 'LoadBalancer';
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

export const serviceStrategy: Strategy<Service> = {
  allowCreateOnUpdate: true,
  prepareForCreate(service) {
    service.status = { loadBalancer: {} };
    normalizeClusterIps(service.spec!, undefined);
  },
  prepareForUpdate(service, old) {
    carryOver(service, old, 'status');
    const spec = service.spec!;
    const before = old.spec!;
    normalizeClusterIps(spec, before);
    keepAllocated(spec, before);
    dropUnneeded(service, old);
    if (spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} };
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  warnings: serviceWarnings,
};

/**
 * `clusterIP` is the first of `clusterIPs`. Clients that know only one of the fields change only that one: the other
 * follows.
 */
function normalizeClusterIps(spec: ServiceSpec, before: ServiceSpec | undefined): void {
  const ip = spec.clusterIP ?? '';
  const ips = spec.clusterIPs ?? [];
  if (before === undefined) {
    if (ip !== '' && ips.length === 0) spec.clusterIPs = [ip];
    return;
  }
  const oldIp = before.clusterIP ?? '';
  const oldIps = before.clusterIPs ?? [];
  const sameList = ips.length === oldIps.length && ips.every((x, i) => x === oldIps[i]);
  if (oldIp !== '' && ip === '' && sameList) delete spec.clusterIPs;
  else if (ip !== oldIp && ips.length > 0 && ips[0] === oldIps[0] && ip !== '') spec.clusterIPs = [ip, ...ips.slice(1)];
  else if (ip !== '' && ips.length === 0 && oldIps.length === 0) spec.clusterIPs = [ip];
  else if (ip !== '' && ips.length === 0 && ip !== oldIp) spec.clusterIPs = [ip];
}

/** A PUT made from a manifest leaves out what the server chose. */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs && spec.clusterIP === before.clusterIP)
      spec.clusterIPs = before.clusterIPs;
  }
  if (needsNodePort(before) && needsNodePort(spec)) {
    const used = new Set((spec.ports ?? []).map((p) => p.nodePort).filter(Boolean));
    const byPort = new Map((before.ports ?? []).map((p) => [`${p.protocol}/${p.port}`, p.nodePort]));
    for (const port of spec.ports ?? []) {
      const nodePort = port.nodePort ? undefined : byPort.get(`${port.protocol}/${port.port}`);
      if (nodePort && !used.has(nodePort)) port.nodePort = nodePort;
    }
  }
  if (
    needsHealthCheckPort(before) &&
    needsHealthCheckPort(spec) &&
    !spec.healthCheckNodePort &&
    before.healthCheckNodePort
  )
    spec.healthCheckNodePort = before.healthCheckNodePort;
}

/** Fields that the new type has no use for go, when they are what they were: nobody asked for them. */
function dropUnneeded(service: Service, old: Service): void {
  const spec = service.spec!;
  const before = old.spec!;
  if (needsClusterIp(before) && !needsClusterIp(spec)) {
    if (spec.clusterIP === before.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy;
    if (spec.ipFamilies?.join() === before.ipFamilies?.join()) delete spec.ipFamilies;
    if (spec.internalTrafficPolicy === before.internalTrafficPolicy) delete spec.internalTrafficPolicy;
  }
  if (needsNodePort(before) && !needsNodePort(spec)) {
    const same =
      spec.ports?.length === before.ports?.length &&
      (spec.ports ?? []).every((p, i) => p.nodePort === before.ports?.[i]?.nodePort);
    if (same) for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (
    needsHealthCheckPort(before) &&
    !needsHealthCheckPort(spec) &&
    spec.healthCheckNodePort === before.healthCheckNodePort
  )
    delete spec.healthCheckNodePort;
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (externallyAccessible(old) && !externallyAccessible(service)) {
    if (spec.externalTrafficPolicy === before.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
}
