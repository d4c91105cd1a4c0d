/** Ports of the node's own addresses that pods have taken. */
import type { Pod } from '../framework/objects.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyIp = '0.0.0.0';

/** All host ports a pod asks for, sidecars' included. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  const take = (container: Pod['spec']['containers'][number]) => {
    for (const p of container.ports ?? [])
      if (p.hostPort !== undefined && p.hostPort > 0)
        ports.push({ ip: p.hostIP || anyIp, protocol: p.protocol || 'TCP', port: p.hostPort });
  };
  for (const container of pod.spec.initContainers ?? []) if (container.restartPolicy === 'Always') take(container);
  for (const container of pod.spec.containers) take(container);
  return ports;
}

/** The same port on the same address, or on any address, cannot be taken twice. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyIp || b.ip === anyIp);
}

/** A multiset of host ports: two pods may hold the same one when one of them was placed by hand. */
export class HostPortSet {
  /** `TCP/80` -> address -> how many hold it. */
  readonly #taken = new Map<string, Map<string, number>>();

  add(p: HostPort): void {
    const key = `${p.protocol}/${p.port}`;
    let ips = this.#taken.get(key);
    if (ips === undefined) this.#taken.set(key, (ips = new Map()));
    ips.set(p.ip, (ips.get(p.ip) ?? 0) + 1);
  }

  remove(p: HostPort): void {
    const key = `${p.protocol}/${p.port}`;
    const ips = this.#taken.get(key);
    const holders = ips?.get(p.ip);
    if (ips === undefined || holders === undefined) return;
    if (holders > 1) ips.set(p.ip, holders - 1);
    else ips.delete(p.ip);
    if (ips.size === 0) this.#taken.delete(key);
  }

  conflicts(p: HostPort): boolean {
    const ips = this.#taken.get(`${p.protocol}/${p.port}`);
    if (ips === undefined) return false;
    return p.ip === anyIp || ips.has(anyIp) || ips.has(p.ip);
  }

  get size(): number {
    return this.#taken.size;
  }

  clone(): HostPortSet {
    const copy = new HostPortSet();
    for (const [key, ips] of this.#taken) copy.#taken.set(key, new Map(ips));
    return copy;
  }
}
