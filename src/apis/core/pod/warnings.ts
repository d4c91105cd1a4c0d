/** What is allowed in a pod's spec and yet most likely not meant (upstream: api/pod/warnings). */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import { goQuote } from '../../../machinery/go-quote.ts';
import type { Container, PodSpec } from '../../generated/types/core/v1.ts';

const renamedNodeLabels: Readonly<Record<string, string | undefined>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** `field` of the spec: `spec`, or `spec.template.spec`. */
export function podSpecWarnings(spec: PodSpec | undefined, field: string): string[] {
  if (!spec) return [];
  const out: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {}))
    if (renamedNodeLabels[key]) out.push(`${field}.nodeSelector[${key}]: ${renamedNodeLabels[key]}`);
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    const at = `${field}.volumes[${i}]`;
    if (volume.gitRepo)
      out.push(
        `${at}.gitRepo: deprecated in v1.11, and disabled by default in v1.33+; to provision a container with a git repo, mount an EmptyDir into an InitContainer that clones the repo using git, then mount the EmptyDir into the Pod's container`,
      );
    if (volume.emptyDir?.sizeLimit !== undefined)
      out.push(...fractional(volume.emptyDir.sizeLimit, `${at}.emptyDir.sizeLimit`));
  }
  const hostAliases = spec.hostAliases ?? [];
  const ips = new Set<string>();
  for (const alias of hostAliases) {
    if (ips.has(alias.ip)) out.push(`${field}.hostAliases[${alias.ip}].ip: duplicate ip ${goQuote(alias.ip)}`);
    ips.add(alias.ip);
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    out.push(
      `${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  for (const list of ['initContainers', 'containers'] as const)
    for (const [i, container] of (spec[list] ?? []).entries())
      out.push(...containerWarnings(container, `${field}.${list}[${i}]`));
  return out;
}

function containerWarnings(container: Container, field: string): string[] {
  const out: string[] = [];
  for (const part of ['limits', 'requests'] as const)
    for (const name of ['memory', 'ephemeral-storage'])
      out.push(...fractional(container.resources?.[part]?.[name], `${field}.resources.${part}[${name}]`));
  const names = new Map<string, number>();
  for (const [i, env] of (container.env ?? []).entries()) {
    const first = names.get(env.name);
    // A value that takes up the earlier one means to replace it.
    if (first !== undefined && !env.value?.includes(`$(${env.name})`))
      out.push(
        `${field}.env[${i}]: hides previous definition of ${goQuote(env.name)}, which may be dropped when using apply`,
      );
    names.set(env.name, i);
  }
  const ports = new Map<string, number>();
  for (const [i, port] of (container.ports ?? []).entries()) {
    const key = `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort ?? 0}/${port.containerPort}`;
    const first = ports.get(key);
    if (first !== undefined) out.push(`${field}.ports[${i}]: duplicate port definition with ${field}.ports[${first}]`);
    else ports.set(key, i);
  }
  return out;
}

function fractional(text: string | undefined, field: string): string[] {
  const quantity = text === undefined ? undefined : Quantity.tryParse(text);
  if (quantity === undefined || quantity.milliValue() % 1000n === 0n) return [];
  return [`${field}: fractional byte value ${goQuote(text!)} is invalid, must be an integer`];
}
