/** The kubelet's flags that say what a field of KubeletConfiguration says: upstream's names. A flag wins over the file. */
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../base/errors.ts';
import type { KubeletConfiguration } from '../../kubelet/config/kubelet-configuration.ts';
import { formatDuration, parseDuration } from '../../machinery/codec/go-duration.ts';
import { boolean, list } from './component.ts';

type Parse = (text: string) => unknown;

const text: Parse = (value) => value;

const number: Parse = (value) => {
  if (!/^-?\d+$/.test(value)) throw new InvalidArgumentError('want a whole number.');
  return Number(value);
};

const duration: Parse = (value) => {
  try {
    return formatDuration(parseDuration(value));
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}; want one such as 10s.`);
  }
};

/** `a=1,b=2`; thresholds are written with `<` instead. */
const pairs =
  (separator: '=' | '<', parse: Parse = text): Parse =>
  (value) =>
    Object.fromEntries(
      list(value).map((pair) => {
        const at = pair.indexOf(separator);
        if (at <= 0) throw new InvalidArgumentError(`${pair}: want NAME${separator}VALUE.`);
        return [pair.slice(0, at).trim(), parse(pair.slice(at + 1).trim())];
      }),
    );

const taints: Parse = (value) =>
  list(value).map((pair) => {
    const found = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(pair);
    if (!found) throw new InvalidArgumentError(`${pair}: want KEY=VALUE:NoSchedule (or PreferNoSchedule, NoExecute).`);
    return { key: found[1]!, effect: found[3]!, ...(found[2] ? { value: found[2] } : {}) };
  });

/** Flag, the field's path, how its text is read. */
const flags: readonly (readonly [string, string, Parse])[] = [
  ['address', 'address', text],
  ['allowed-unsafe-sysctls', 'allowedUnsafeSysctls', list],
  ['anonymous-auth', 'authentication.anonymous.enabled', boolean],
  ['authentication-token-webhook', 'authentication.webhook.enabled', boolean],
  ['authentication-token-webhook-cache-ttl', 'authentication.webhook.cacheTTL', duration],
  ['authorization-mode', 'authorization.mode', text],
  ['authorization-webhook-cache-authorized-ttl', 'authorization.webhook.cacheAuthorizedTTL', duration],
  ['authorization-webhook-cache-unauthorized-ttl', 'authorization.webhook.cacheUnauthorizedTTL', duration],
  ['cgroup-driver', 'cgroupDriver', text],
  ['cgroup-root', 'cgroupRoot', text],
  ['cgroups-per-qos', 'cgroupsPerQOS', boolean],
  ['client-ca-file', 'authentication.x509.clientCAFile', text],
  ['cluster-dns', 'clusterDNS', list],
  ['cluster-domain', 'clusterDomain', text],
  ['container-log-max-files', 'containerLogMaxFiles', number],
  ['container-log-max-size', 'containerLogMaxSize', text],
  ['container-runtime-endpoint', 'containerRuntimeEndpoint', text],
  ['contention-profiling', 'enableContentionProfiling', boolean],
  ['cpu-cfs-quota', 'cpuCFSQuota', boolean],
  ['cpu-cfs-quota-period', 'cpuCFSQuotaPeriod', duration],
  ['cpu-manager-policy', 'cpuManagerPolicy', text],
  ['cpu-manager-policy-options', 'cpuManagerPolicyOptions', pairs('=')],
  ['cpu-manager-reconcile-period', 'cpuManagerReconcilePeriod', duration],
  ['enable-controller-attach-detach', 'enableControllerAttachDetach', boolean],
  ['enable-debugging-handlers', 'enableDebuggingHandlers', boolean],
  ['enable-server', 'enableServer', boolean],
  ['enforce-node-allocatable', 'enforceNodeAllocatable', list],
  ['event-burst', 'eventBurst', number],
  ['event-qps', 'eventRecordQPS', number],
  ['eviction-hard', 'evictionHard', pairs('<')],
  ['eviction-max-pod-grace-period', 'evictionMaxPodGracePeriod', number],
  ['eviction-minimum-reclaim', 'evictionMinimumReclaim', pairs('=')],
  ['eviction-pressure-transition-period', 'evictionPressureTransitionPeriod', duration],
  ['eviction-soft', 'evictionSoft', pairs('<')],
  ['eviction-soft-grace-period', 'evictionSoftGracePeriod', pairs('=')],
  ['fail-cgroupv1', 'failCgroupV1', boolean],
  ['fail-swap-on', 'failSwapOn', boolean],
  ['feature-gates', 'featureGates', pairs('=', boolean)],
  ['file-check-frequency', 'fileCheckFrequency', duration],
  ['hairpin-mode', 'hairpinMode', text],
  ['healthz-bind-address', 'healthzBindAddress', text],
  ['healthz-port', 'healthzPort', number],
  ['http-check-frequency', 'httpCheckFrequency', duration],
  ['image-gc-high-threshold', 'imageGCHighThresholdPercent', number],
  ['image-gc-low-threshold', 'imageGCLowThresholdPercent', number],
  ['image-service-endpoint', 'imageServiceEndpoint', text],
  ['kernel-memcg-notification', 'kernelMemcgNotification', boolean],
  ['kube-api-burst', 'kubeAPIBurst', number],
  ['kube-api-content-type', 'contentType', text],
  ['kube-api-qps', 'kubeAPIQPS', number],
  ['kube-reserved', 'kubeReserved', pairs('=')],
  ['kube-reserved-cgroup', 'kubeReservedCgroup', text],
  ['kubelet-cgroups', 'kubeletCgroups', text],
  ['local-storage-capacity-isolation', 'localStorageCapacityIsolation', boolean],
  ['make-iptables-util-chains', 'makeIPTablesUtilChains', boolean],
  ['manifest-url', 'staticPodURL', text],
  ['max-open-files', 'maxOpenFiles', number],
  ['max-pods', 'maxPods', number],
  ['memory-manager-policy', 'memoryManagerPolicy', text],
  ['minimum-image-ttl-duration', 'imageMinimumGCAge', duration],
  ['node-status-max-images', 'nodeStatusMaxImages', number],
  ['node-status-update-frequency', 'nodeStatusUpdateFrequency', duration],
  ['oom-score-adj', 'oomScoreAdj', number],
  ['pod-cidr', 'podCIDR', text],
  ['pod-manifest-path', 'staticPodPath', text],
  ['pod-max-pids', 'podPidsLimit', number],
  ['pods-per-core', 'podsPerCore', number],
  ['port', 'port', number],
  ['protect-kernel-defaults', 'protectKernelDefaults', boolean],
  ['provider-id', 'providerID', text],
  ['qos-reserved', 'qosReserved', pairs('=')],
  ['read-only-port', 'readOnlyPort', number],
  ['register-node', 'registerNode', boolean],
  ['register-with-taints', 'registerWithTaints', taints],
  ['registry-burst', 'registryBurst', number],
  ['registry-qps', 'registryPullQPS', number],
  ['reserved-cpus', 'reservedSystemCPUs', text],
  ['resolv-conf', 'resolvConf', text],
  ['rotate-certificates', 'rotateCertificates', boolean],
  ['rotate-server-certificates', 'serverTLSBootstrap', boolean],
  ['runonce', 'runOnce', boolean],
  ['runtime-request-timeout', 'runtimeRequestTimeout', duration],
  ['seccomp-default', 'seccompDefault', boolean],
  ['serialize-image-pulls', 'serializeImagePulls', boolean],
  ['streaming-connection-idle-timeout', 'streamingConnectionIdleTimeout', duration],
  ['sync-frequency', 'syncFrequency', duration],
  ['system-cgroups', 'systemCgroups', text],
  ['system-reserved', 'systemReserved', pairs('=')],
  ['system-reserved-cgroup', 'systemReservedCgroup', text],
  ['tls-cert-file', 'tlsCertFile', text],
  ['tls-cipher-suites', 'tlsCipherSuites', list],
  ['tls-min-version', 'tlsMinVersion', text],
  ['tls-private-key-file', 'tlsPrivateKeyFile', text],
  ['topology-manager-policy', 'topologyManagerPolicy', text],
  ['topology-manager-policy-options', 'topologyManagerPolicyOptions', pairs('=')],
  ['topology-manager-scope', 'topologyManagerScope', text],
  ['volume-plugin-dir', 'volumePluginDir', text],
  ['volume-stats-agg-period', 'volumeStatsAggPeriod', duration],
];

export function addConfigurationFlags(command: Command): Command {
  for (const [name, path, parse] of flags)
    command.option(
      // Go's booleans may stand without a value.
      parse === boolean ? `--${name} [boolean]` : `--${name} <value>`,
      `${path} of the configuration`,
      parse,
    );
  return command;
}

/** The file's configuration with what flags say over it. Feature gates are merged one by one, as upstream. */
export function withConfigurationFlags(
  config: KubeletConfiguration,
  given: Readonly<Record<string, unknown>>,
): KubeletConfiguration {
  const out = structuredClone(config) as Record<string, unknown>;
  for (const [name, path] of flags) {
    const value = given[camelCase(name)];
    if (value === undefined) continue;
    const parts = path.split('.');
    const last = parts.pop()!;
    let target = out;
    for (const part of parts) target = (target[part] ??= {}) as Record<string, unknown>;
    target[last] = path === 'featureGates' ? { ...(target[last] as object), ...(value as object) } : value;
  }
  return out as KubeletConfiguration;
}

/** As commander names a flag's value. */
const camelCase = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
