/** The baseline level: what would let a pod out of its box. In the order that they are told in. */
import type { Container, LifecycleHandler, Probe } from '../../../apis/generated/types/core/v1.ts';
import {
  type Check,
  type CheckedPod,
  containersOf,
  containersText,
  distinct,
  type Finding,
  hasUserNamespace,
  namesOf,
  plural,
  quoted,
  settersText,
} from './check.ts';

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';
const profileTypes = ['RuntimeDefault', 'Localhost'];

/** For `<what> to "value"` checks of a profile's type, on the pod and on its containers. */
export function badProfiles(
  { spec }: CheckedPod,
  field: 'appArmorProfile' | 'seccompProfile',
): { readonly pod: boolean; readonly containers: string[]; readonly values: string[] } {
  const typeOf = (context: Container['securityContext'] | undefined) => context?.[field]?.type;
  const isBad = (type: string | undefined) => type !== undefined && !profileTypes.includes(type);
  const podType = spec.securityContext?.[field]?.type;
  const containers = containersOf(spec).filter(({ securityContext }) => isBad(typeOf(securityContext)));
  return {
    pod: isBad(podType),
    containers: containers.map(({ name }) => name),
    values: distinct([
      ...(isBad(podType) ? [podType!] : []),
      ...containers.map(({ securityContext }) => typeOf(securityContext)!),
    ]),
  };
}

function appArmor(pod: CheckedPod): Finding | undefined {
  const { pod: byPod, containers, values } = badProfiles(pod, 'appArmorProfile');
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorAnnotation) && !/^$|^runtime\/default$|^localhost\//.test(value))
    .map(([key, value]) => `${key}="${value}"`)
    .sort();
  const all = [...values, ...annotations];
  if (all.length === 0) return undefined;
  const setters = [
    settersText(byPod, containers),
    annotations.length > 0 ? plural('annotation', annotations) : undefined,
  ];
  return {
    reason: plural('forbidden AppArmor profile', all),
    detail: `${setters.filter(Boolean).join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
  };
}

const defaultCapabilities = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

function capabilities({ spec }: CheckedPod): Finding | undefined {
  const added = (container: Container) =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => !defaultCapabilities.has(name));
  const bad = namesOf(spec, (container) => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const names = distinct(containersOf(spec).flatMap(added));
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(bad)} must not include ${quoted(names)} in securityContext.capabilities.add`,
  };
}

function hostNamespaces({ spec }: CheckedPod): Finding | undefined {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
  return set.length > 0
    ? { reason: 'host namespaces', detail: set.map((field) => `${field}=true`).join(', ') }
    : undefined;
}

function hostPaths({ spec }: CheckedPod): Finding | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath).map(({ name }) => name);
  return bad.length > 0 ? { reason: 'hostPath volumes', detail: `${plural('volume', bad)} ${quoted(bad)}` } : undefined;
}

function hostPorts({ spec }: CheckedPod): Finding | undefined {
  const portsOf = ({ ports }: Container) =>
    (ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []));
  const bad = namesOf(spec, (container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = distinct(containersOf(spec).flatMap(portsOf));
  const uses = bad.length === 1 ? 'uses' : 'use';
  return {
    reason: 'hostPort',
    detail: `${containersText(bad)} ${uses} ${plural('hostPort', ports)} ${ports.join(', ')}`,
  };
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] {
  const handlers: (Probe | LifecycleHandler | undefined)[] = [
    livenessProbe,
    readinessProbe,
    startupProbe,
    lifecycle?.postStart,
    lifecycle?.preStop,
  ];
  return handlers.flatMap(
    (handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => !!host) as string[],
  );
}

function probeHosts({ spec }: CheckedPod): Finding | undefined {
  const bad = distinct(namesOf(spec, (container) => hostsOf(container).length > 0));
  if (bad.length === 0) return undefined;
  const hosts = distinct(containersOf(spec).flatMap(hostsOf));
  const uses = bad.length === 1 ? 'uses' : 'use';
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersText(bad)} ${uses} ${plural('probe or lifecycle host', hosts)} ${quoted(hosts)}`,
  };
}

function privileged({ spec }: CheckedPod): Finding | undefined {
  const bad = namesOf(spec, (_, security) => security.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` };
}

/** Without the way out for user namespaces: the restricted level has none. */
export function procMount({ spec }: CheckedPod): Finding | undefined {
  const isBad = (type: string | undefined): type is string => type !== undefined && type !== 'Default';
  const bad = namesOf(spec, (_, security) => isBad(security.procMount));
  if (bad.length === 0) return undefined;
  const types = distinct(
    containersOf(spec)
      .map((c) => c.securityContext?.procMount)
      .filter(isBad),
  );
  return {
    reason: 'procMount',
    detail: `${containersText(bad)} must not set securityContext.procMount to ${quoted(types)}`,
  };
}

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

function seLinux({ spec, minor }: CheckedPod): Finding | undefined {
  const allowed = minor >= 31 ? [...seLinuxTypes, 'container_engine_t'] : seLinuxTypes;
  const ofPod = spec.securityContext?.seLinuxOptions;
  const all = [ofPod, ...containersOf(spec).map((container) => container.securityContext?.seLinuxOptions)];
  const isBad = (options: typeof ofPod): boolean =>
    options !== undefined && (!allowed.includes(options.type ?? '') || !!options.user || !!options.role);
  const setters = settersText(
    isBad(ofPod),
    namesOf(spec, (_, security) => isBad(security.seLinuxOptions)),
  );
  if (!setters) return undefined;
  const types = distinct(all.map((options) => options?.type ?? '').filter((type) => !allowed.includes(type)));
  const what = [
    ...(types.length > 0 ? [`${plural('type', types)} ${quoted(types)}`] : []),
    ...(all.some((options) => options?.user) ? ['user may not be set'] : []),
    ...(all.some((options) => options?.role) ? ['role may not be set'] : []),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${setters} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
  };
}

export function seccompTypes(pod: CheckedPod): Finding | undefined {
  const { pod: byPod, containers, values } = badProfiles(pod, 'seccompProfile');
  const setters = settersText(byPod, containers);
  if (!setters) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

/** By the version that came to trust them. */
const safeSysctls: readonly (readonly [number, readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

function sysctls({ spec, minor }: CheckedPod): Finding | undefined {
  const safe = safeSysctls.filter(([since]) => minor >= since).flatMap(([, names]) => names);
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.includes(name));
  return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined;
}

function windowsHostProcess({ spec }: CheckedPod): Finding | undefined {
  const byPod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const setters = settersText(
    byPod,
    namesOf(spec, (_, security) => security.windowsOptions?.hostProcess === true),
  );
  if (!setters) return undefined;
  return { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` };
}

export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', since: 0, run: appArmor },
  { id: 'capabilities_baseline', since: 0, run: capabilities },
  { id: 'hostNamespaces', since: 0, run: hostNamespaces },
  { id: 'hostPathVolumes', since: 0, run: hostPaths },
  { id: 'hostPorts', since: 0, run: hostPorts },
  { id: 'hostProbesAndHostLifecycle', since: 34, run: probeHosts },
  { id: 'privileged', since: 0, run: privileged },
  { id: 'procMount', since: 0, run: (pod) => (hasUserNamespace(pod) ? undefined : procMount(pod)) },
  { id: 'seLinuxOptions', since: 0, run: seLinux },
  // Before 1.19 profiles were annotations, which no server of today reads.
  { id: 'seccompProfile_baseline', since: 19, run: seccompTypes },
  { id: 'sysctls', since: 0, run: sysctls },
  { id: 'windowsHostProcess', since: 0, run: windowsHostProcess },
];
