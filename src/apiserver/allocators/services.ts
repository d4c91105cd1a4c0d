/**
 * Gives Services their addresses and node ports. What is taken is known in memory alone: rebuilt from the Services there
 * are when the server starts, and kept by what the watch cache shows afterwards.
 *
 * 1. A value is taken before the write that stores it, and given back when that write did not happen.
 * 2. A value is given back only once no stored Service holds it: after the write that dropped it was seen, or the
 *    Service is gone. So two Services never hold the same one, whatever fails in between.
 */
import type { Random } from '../../base/random.ts';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { IPAddress, ServiceCIDR } from '../../apis/generated/types/networking.k8s.io/v1.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';
import { newInternalError, newInvalid, newServiceUnavailable } from '../../machinery/status/errors.ts';
import type { HookOptions, Rollback, StorageHooks } from '../registry/hooks.ts';
import type { Lookup } from '../registry/registry.ts';
import { ClusterIpRanges } from './cluster-ips.ts';
import { initIpFamilies, isHeadless } from './ip-families.ts';
import { defaultNodePortRange, NodePortPool, type PortRange } from './node-ports.ts';

export interface ServiceAllocatorOptions {
  readonly serviceCidr: string;
  readonly nodePortRange?: PortRange;
}

const ownerOf = (service: Service) =>
  service.metadata.uid || `${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}`;

const wantsClusterIp = (service: Service) => service.spec?.type !== 'ExternalName' && !isHeadless(service);
const wantsNodePorts = (service: Service) => service.spec?.type === 'NodePort' || service.spec?.type === 'LoadBalancer';
const wantsHealthCheckPort = (service: Service) =>
  service.spec?.type === 'LoadBalancer' && service.spec.externalTrafficPolicy === 'Local';

export class ServiceAllocator implements StorageHooks<Service> {
  readonly group = '';
  readonly resource = 'services';
  readonly #ips: ClusterIpRanges;
  readonly #ports: NodePortPool;
  #lookup: Lookup | undefined;
  #detach: (() => void) | undefined;

  constructor(options: ServiceAllocatorOptions, random: Random) {
    this.#ips = new ClusterIpRanges(options.serviceCidr, random);
    this.#ports = new NodePortPool(options.nodePortRange ?? defaultNodePortRange, random);
  }

  /** Learns what is taken, and follows it. Until then Services cannot be written. Call once the caches are loaded. */
  attach(lookup: Lookup): void {
    this.detach();
    this.#ips.clear();
    this.#ports.clear();
    this.#lookup = lookup;
    const ranges = () => {
      const added = this.#ips.setRanges(readyRanges(lookup));
      // Services may hold addresses of a range that was not known.
      if (added) for (const service of lookup.list<Service>('', 'services')) this.#adopt(service);
    };
    ranges();
    const detachRanges = lookup.subscribe('networking.k8s.io', 'servicecidrs', ranges);
    for (const service of lookup.list<Service>('', 'services')) this.#adopt(service);
    const detachServices = lookup.subscribe<Service>('', 'services', (service, old) => {
      if (service) this.#adopt(service);
      if (old) this.#releaseAllBut(old, service);
    });
    this.#detach = () => {
      detachRanges();
      detachServices();
    };
  }

  detach(): void {
    this.#detach?.();
    this.#detach = undefined;
  }

  beforeCreate(service: Service, options: HookOptions): Rollback | undefined {
    return this.#allocate(service, undefined, options);
  }

  beforeUpdate(service: Service, old: Service, options: HookOptions): Rollback | undefined {
    return options.subresource === '' ? this.#allocate(service, old, options) : undefined;
  }

  afterDelete(old: Service): void {
    this.#releaseAllBut(old, undefined);
  }

  #allocate(service: Service, old: Service | undefined, options: HookOptions): Rollback | undefined {
    if (this.#detach === undefined) throw newServiceUnavailable('the addresses of Services are not known yet');
    const undo: (() => void)[] = [];
    const rollback = () => {
      for (const step of undo.reverse()) step();
    };
    try {
      initIpFamilies(service, old);
      this.#clusterIp(service, old, undo);
      if (wantsNodePorts(service)) this.#nodePorts(service, old, undo);
      if (wantsHealthCheckPort(service)) this.#healthCheckPort(service, undo);
    } catch (error) {
      rollback();
      throw error;
    }
    if (!options.dryRun) return rollback;
    // Shown, but not kept.
    rollback();
    return undefined;
  }

  #clusterIp(service: Service, old: Service | undefined, undo: (() => void)[]): void {
    if (!wantsClusterIp(service)) return;
    const spec = service.spec!;
    const owner = ownerOf(service);
    const asked = spec.clusterIPs?.[0] || spec.clusterIP;
    if (old !== undefined && asked && asked === old.spec?.clusterIP) return;
    let ip = asked;
    if (ip) {
      const reserved = this.#isReserved(ip, service);
      const why = reserved ? 'provided IP is already allocated' : this.#ips.allocate(ip, owner);
      if (why !== undefined)
        throw refuse(service, invalid('spec.clusterIPs', [ip], `failed to allocate IP ${ip}: ${why}`));
    } else {
      ip = this.#ips.allocateNext(owner, (free) => !this.#isReserved(free, service));
      if (ip === undefined) throw newInternalError('failed to allocate a serviceIP: range is full');
    }
    const taken = ip;
    undo.push(() => this.#ips.release(taken, owner));
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
  }

  /** Somebody has made an IPAddress of it that is another's. */
  #isReserved(ip: string, service: Service): boolean {
    const address = this.#lookup?.get<IPAddress>('networking.k8s.io', 'ipaddresses', '', ip);
    const parent = address?.spec?.parentRef;
    return (
      parent !== undefined &&
      !(
        parent.resource === 'services' &&
        parent.name === service.metadata.name &&
        (parent.namespace ?? '') === (service.metadata.namespace ?? '')
      )
    );
  }

  /** One number serves all ports of the Service that share a port, whatever their protocols. */
  #nodePorts(service: Service, old: Service | undefined, undo: (() => void)[]): void {
    const spec = service.spec!;
    const owner = ownerOf(service);
    const ports = spec.ports ?? [];
    const kept = new Set((old?.spec?.ports ?? []).map((p) => p.nodePort).filter(Boolean));
    const byPort = new Map<number, number>();
    for (const p of ports) if (p.nodePort && !byPort.has(p.port)) byPort.set(p.port, p.nodePort);
    const allocateOthers = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false;
    for (const [i, port] of ports.entries()) {
      if (!port.nodePort && !allocateOthers) continue;
      if (!port.nodePort) {
        const shared = byPort.get(port.port);
        const protocolTaken = ports.some((p) => p.nodePort === shared && p.protocol === port.protocol);
        if (shared !== undefined && !protocolTaken) {
          port.nodePort = shared;
          continue;
        }
        const next = this.#ports.allocateNext(owner);
        if (next === undefined) throw newInternalError('failed to allocate a nodePort: range is full');
        undo.push(() => this.#ports.release(next, owner));
        port.nodePort = next;
        byPort.set(port.port, next);
      } else if (!kept.has(port.nodePort) && !this.#ports.has(port.nodePort, owner)) {
        const asked = port.nodePort;
        const why = this.#ports.allocate(asked, owner);
        if (why !== undefined) throw refuse(service, invalid(`spec.ports[${i}].nodePort`, asked, why));
        undo.push(() => this.#ports.release(asked, owner));
      }
    }
  }

  #healthCheckPort(service: Service, undo: (() => void)[]): void {
    const spec = service.spec!;
    const owner = ownerOf(service);
    const asked = spec.healthCheckNodePort;
    if (asked && this.#ports.has(asked, owner)) return;
    let port = asked;
    if (port) {
      const why = this.#ports.allocate(port, owner);
      if (why !== undefined)
        throw newInternalError(`failed to allocate requested HealthCheck NodePort ${port}: ${why}`);
    } else {
      port = this.#ports.allocateNext(owner);
      if (port === undefined) throw newInternalError('failed to allocate a HealthCheck NodePort 0: range is full');
    }
    const taken = port;
    undo.push(() => this.#ports.release(taken, owner));
    spec.healthCheckNodePort = port;
  }

  /** What a stored Service holds is taken; a value that another holds already stays with that one. */
  #adopt(service: Service): void {
    const owner = ownerOf(service);
    for (const ip of heldIps(service)) this.#ips.allocate(ip, owner);
    for (const port of heldPorts(service)) this.#ports.allocate(port, owner);
  }

  #releaseAllBut(old: Service, now: Service | undefined): void {
    const owner = ownerOf(old);
    const keepIps = now && ownerOf(now) === owner ? heldIps(now) : new Set<string>();
    const keepPorts = now && ownerOf(now) === owner ? heldPorts(now) : new Set<number>();
    for (const ip of heldIps(old)) if (!keepIps.has(ip)) this.#ips.release(ip, owner);
    for (const port of heldPorts(old)) if (!keepPorts.has(port)) this.#ports.release(port, owner);
  }
}

/** Of ServiceCIDRs that are not about to go. */
const readyRanges = (lookup: Lookup): string[] =>
  lookup
    .list<ServiceCIDR>('networking.k8s.io', 'servicecidrs')
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ spec }) => spec?.cidrs ?? []);

const refuse = (service: Service, error: FieldError) =>
  newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [error]);

function heldIps(service: Service): Set<string> {
  if (!wantsClusterIp(service)) return new Set();
  return new Set([service.spec?.clusterIP ?? '', ...(service.spec?.clusterIPs ?? [])].filter(Boolean));
}

function heldPorts(service: Service): Set<number> {
  const held = new Set<number>();
  for (const port of service.spec?.ports ?? []) if (port.nodePort) held.add(port.nodePort);
  if (service.spec?.healthCheckNodePort) held.add(service.spec.healthCheckNodePort);
  return held;
}
