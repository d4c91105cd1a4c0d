/** A pod as policies see it: addresses on the pod network, labels, ports that have names. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import type { Labels } from '../../machinery/selectors/labels.ts';

export type PolicyProtocol = 'tcp' | 'udp' | 'sctp';

export interface NamedPort {
  readonly name: string;
  readonly protocol: PolicyProtocol;
  readonly port: number;
}

export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** At most one of each family. */
  readonly ips: readonly string[];
  readonly namedPorts: readonly NamedPort[];
  /** Of this node: policies are enforced where their pods are. */
  readonly local: boolean;
}

/** The API's protocol; absent is TCP. */
export const protocolOf = (text: string | undefined): PolicyProtocol => (text ?? 'TCP').toLowerCase() as PolicyProtocol;

/**
 * Undefined for what policies do not see: pods of the host's network (their traffic is the node's), pods that have ended
 * (their address may be another's by now), pods without an address. `ips` are those known before the status says so.
 */
export function policyPod(
  pod: DeepReadonly<Pod>,
  nodeName: string,
  ips: readonly string[] = addressesOf(pod),
): PolicyPod | undefined {
  const { metadata, spec, status } = pod;
  if (!spec || spec.hostNetwork || ips.length === 0) return undefined;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  const ports = [...sidecars, ...(spec.containers ?? [])].flatMap((c) => c.ports ?? []);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    labels: metadata.labels ?? {},
    ips,
    namedPorts: ports.flatMap((p) =>
      p.name ? [{ name: p.name, protocol: protocolOf(p.protocol), port: p.containerPort }] : [],
    ),
    local: spec.nodeName === nodeName,
  };
}

export function addressesOf({ status }: DeepReadonly<Pod>): string[] {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return all.length > 0 ? all : status?.podIP ? [status.podIP] : [];
}
