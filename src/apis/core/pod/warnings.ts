/** What is allowed in a pod's spec and yet most likely not meant (upstream: api/pod/warnings). */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import { isDns1123Label } from '../../../machinery/validation/formats.ts';
import { goQuote } from '../../../machinery/go-quote.ts';
import type { Container, ContainerPort, PodSpec, Volume } from '../../generated/types/core/v1.ts';

const renamedNodeLabels: Readonly<Record<string, string | undefined>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** Volume plugins that were taken out. */
const deadVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** Names of pods become hostnames, and so do those of what makes pods. `what`: whose. */
export function podNameWarnings(name: string | undefined, what: 'pod' | 'controller'): string[] {
  const messages = isDns1123Label(name ?? '');
  if (messages.length === 0) return [];
  const use = what === 'pod' ? "the Pod's hostname" : 'Pod names and hostnames';
  return [
    `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
  ];
}

/** `field` of the spec: `spec`, or `spec.template.spec`. */
export function podSpecWarnings(spec: PodSpec | undefined, field: string): string[] {
  if (!spec) return [];
  const out: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {}))
    if (renamedNodeLabels[key]) out.push(`${field}.nodeSelector[${key}]: ${renamedNodeLabels[key]}`);
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    const at = `${field}.volumes[${i}]`;
    if (volume.gitRepo) out.push(`${at}.gitRepo: deprecated in v1.11, and disabled by default in v1.33+`);
    if (volume.projected?.sources?.some((source) => Object.keys(source).length === 0))
      out.push(`volume ${goQuote(volume.name)} (Projected) has no sources provided`);
    for (const [plugin, since] of Object.entries(deadVolumes))
      if (volume[plugin as keyof Volume] !== undefined) out.push(`${at}.${plugin}: ${since}`);
  }
  out.push(...repeated(spec.hostAliases, `${field}.hostAliases`, 'ip'));
  out.push(...repeated(spec.imagePullSecrets, `${field}.imagePullSecrets`, 'name'));
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries())
    if (!secret.name) out.push(`${field}.imagePullSecrets[${i}].name: invalid empty name ""`);
  for (const [i, constraint] of (spec.topologySpreadConstraints ?? []).entries())
    if (!constraint.labelSelector)
      out.push(
        `${field}.topologySpreadConstraints[${i}].labelSelector: a null labelSelector results in matching no pod`,
      );
  out.push(...affinityWarnings(spec, `${field}.affinity`));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    out.push(
      `${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  for (const list of ['initContainers', 'containers'] as const)
    for (const [i, container] of (spec[list] ?? []).entries())
      out.push(...containerWarnings(container, `${field}.${list}[${i}]`));
  out.push(...portWarnings(spec, field));
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
    const reference = `$(${env.name})`;
    const takesUp = !env.valueFrom && env.value !== reference && env.value?.includes(reference);
    if (first !== undefined && !takesUp)
      out.push(
        `${field}.env[${i}]: hides previous definition of ${goQuote(env.name)}, which may be dropped when using apply`,
      );
    names.set(env.name, i);
  }
  return out;
}

function fractional(text: string | undefined, field: string): string[] {
  const quantity = text === undefined ? undefined : Quantity.tryParse(text);
  if (quantity === undefined || quantity.milliValue() % 1000n === 0n) return [];
  return [`${field}: fractional byte value ${goQuote(text!)} is invalid, must be an integer`];
}

/** Items of a list whose `key` was there before. */
function repeated<K extends string>(
  items: readonly { [P in K]?: string }[] | undefined,
  field: string,
  key: K,
): string[] {
  const seen = new Set<string | undefined>();
  const out: string[] = [];
  for (const [i, item] of (items ?? []).entries()) {
    if (seen.has(item[key])) out.push(`${field}[${i}].${key}: duplicate ${key} ${goQuote(item[key] ?? '')}`);
    seen.add(item[key]);
  }
  return out;
}

/** A term without a selector matches no pod: hardly what it was written for. */
function affinityWarnings(spec: PodSpec, field: string): string[] {
  const out: string[] = [];
  for (const part of ['podAffinity', 'podAntiAffinity'] as const) {
    const own = spec.affinity?.[part];
    const said = (at: string) =>
      out.push(`${field}.${part}.${at}.labelSelector: a null labelSelector results in matching no pod`);
    for (const [i, term] of (own?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      if (!term.labelSelector) said(`requiredDuringSchedulingIgnoredDuringExecution[${i}]`);
    for (const [i, term] of (own?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      if (!term.podAffinityTerm?.labelSelector)
        said(`preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`);
  }
  return out;
}

/** Ports that stand twice, in one container or in two. */
function portWarnings(spec: PodSpec, field: string): string[] {
  const out: string[] = [];
  const byPort = new Map<string, { at: string; port: ContainerPort }[]>();
  const byName = new Map<string, string>();
  for (const list of ['initContainers', 'containers'] as const)
    for (const [i, container] of (spec[list] ?? []).entries())
      for (const [j, port] of (container.ports ?? []).entries()) {
        const at = `${field}.${list}[${i}].ports[${j}]`;
        const key = `${port.containerPort}/${port.protocol}`;
        const others = byPort.get(key) ?? [];
        for (const other of others) {
          const sameHost = (port.hostPort ?? 0) === (other.port.hostPort ?? 0);
          const ip = port.hostIP ?? '';
          const otherIp = other.port.hostIP ?? '';
          if (sameHost && ip === otherIp) out.push(`${at}: duplicate port definition with ${other.at}`);
          else if (!port.hostPort || !other.port.hostPort)
            out.push(`${at}: overlapping port definition with ${other.at}`);
          else if (sameHost && (ip === '') !== (otherIp === ''))
            out.push(`${at}: dangerously ambiguous port definition with ${other.at}`);
        }
        byPort.set(key, [...others, { at, port }]);
        if (!port.name) continue;
        const first = byName.get(port.name);
        if (first === undefined) byName.set(port.name, at);
        else
          out.push(
            `${at}: duplicate port name ${goQuote(port.name)} with ${first}, services and probes that select ports by name will use ${first}`,
          );
      }
  return out;
}
