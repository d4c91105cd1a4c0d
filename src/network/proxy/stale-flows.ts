/**
 * UDP has no end that the kernel could see: flows that were translated to an endpoint which is gone (or that were made
 * while there was none) would go on that way until they are idle. Pure: which ones to forget.
 */
import type { ServicePort } from './service-port.ts';

export interface StaleFlow {
  /** Where the client sends: a ClusterIP or an external address; undefined with a node port. */
  readonly address: string | undefined;
  readonly port: number;
  /** The endpoint that is gone; undefined: whatever was made while there was no endpoint. */
  readonly endpointIp: string | undefined;
}

export function staleUdpFlows(before: readonly ServicePort[], after: readonly ServicePort[]): StaleFlow[] {
  const now = new Map(after.map((p) => [p.key, p]));
  const flows: StaleFlow[] = [];
  for (const old of before) {
    if (old.protocol !== 'udp') continue;
    const present = now.get(old.key);
    const alive = new Set([...(present?.internal ?? []), ...(present?.external ?? [])].map((e) => e.ip));
    const gone = new Set([...old.internal, ...old.external].map((e) => e.ip).filter((ip) => !alive.has(ip)));
    const cameUp = old.internal.length === 0 && (present?.internal.length ?? 0) > 0;
    for (const endpointIp of [...gone, ...(cameUp ? [undefined] : [])]) {
      for (const address of [...old.clusterIps, ...old.externalIps])
        flows.push({ address, port: old.port, endpointIp });
      if (old.nodePort > 0) flows.push({ address: undefined, port: old.nodePort, endpointIp });
    }
  }
  return flows;
}

/** Arguments of conntrack(8) that forget such a flow. */
export function conntrackArgs(flow: StaleFlow): string[] {
  return [
    '-D',
    '-p',
    'udp',
    '--dport',
    String(flow.port),
    ...(flow.address === undefined ? [] : ['--orig-dst', flow.address]),
    ...(flow.endpointIp === undefined ? [] : ['--reply-src', flow.endpointIp]),
  ];
}
