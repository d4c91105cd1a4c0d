import type { KubeletConfiguration } from './kubelet-configuration.ts';

/** What upstream v1.36 sets where a field is absent. */
const defaults = {
  enableServer: true,
  syncFrequency: '1m0s',
  fileCheckFrequency: '20s',
  httpCheckFrequency: '20s',
  address: '0.0.0.0',
  port: 10_250,
  authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
  authentication: {
    x509: {},
    webhook: { enabled: true, cacheTTL: '2m0s' },
    anonymous: { enabled: false },
  },
  registryPullQPS: 5,
  registryBurst: 10,
  imagePullCredentialsVerificationPolicy: 'NeverVerifyPreloadedImages',
  eventRecordQPS: 50,
  eventBurst: 100,
  enableDebuggingHandlers: true,
  healthzPort: 10_248,
  healthzBindAddress: '127.0.0.1',
  oomScoreAdj: -999,
  streamingConnectionIdleTimeout: '4h0m0s',
  nodeStatusUpdateFrequency: '10s',
  nodeStatusReportFrequency: '5m0s',
  nodeLeaseDurationSeconds: 40,
  imageMinimumGCAge: '2m0s',
  imageMaximumGCAge: '0s',
  imageGCHighThresholdPercent: 85,
  imageGCLowThresholdPercent: 80,
  volumeStatsAggPeriod: '1m0s',
  cgroupsPerQOS: true,
  cgroupDriver: 'cgroupfs',
  cpuManagerPolicy: 'none',
  cpuManagerReconcilePeriod: '10s',
  memoryManagerPolicy: 'None',
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  runtimeRequestTimeout: '2m0s',
  hairpinMode: 'promiscuous-bridge',
  maxPods: 110,
  podPidsLimit: -1,
  resolvConf: '/etc/resolv.conf',
  cpuCFSQuota: true,
  cpuCFSQuotaPeriod: '100ms',
  nodeStatusMaxImages: 50,
  maxOpenFiles: 1_000_000,
  contentType: 'application/vnd.kubernetes.protobuf',
  kubeAPIQPS: 50,
  kubeAPIBurst: 100,
  serializeImagePulls: true,
  evictionPressureTransitionPeriod: '5m0s',
  mergeDefaultEvictionSettings: false,
  enableControllerAttachDetach: true,
  makeIPTablesUtilChains: true,
  iptablesMasqueradeBit: 14,
  iptablesDropBit: 15,
  failSwapOn: true,
  memorySwap: {},
  containerLogMaxSize: '10Mi',
  containerLogMaxFiles: 5,
  containerLogMaxWorkers: 1,
  containerLogMonitorInterval: '10s',
  configMapAndSecretChangeDetectionStrategy: 'Watch',
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
  enableSystemLogHandler: true,
  enableSystemLogQuery: false,
  enableProfilingHandler: true,
  enableDebugFlagsHandler: true,
  seccompDefault: false,
  failCgroupV1: true,
  memoryThrottlingFactor: 0.9,
  memoryReservationPolicy: 'None',
  registerNode: true,
  localStorageCapacityIsolation: true,
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  podLogsDir: '/var/log/pods',
  crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
  shutdownGracePeriod: '0s',
  shutdownGracePeriodCriticalPods: '0s',
} as const satisfies KubeletConfiguration;

/** In force where no hard threshold is given. */
export const defaultEvictionHard: Readonly<Record<string, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

type Widened<T> = T extends readonly (infer I)[]
  ? readonly Widened<I>[]
  : T extends string
    ? string
    : T extends number
      ? number
      : T extends boolean
        ? boolean
        : { readonly [K in keyof T]: Widened<T[K]> };

/** Everything that has a default is there. */
export type EffectiveConfiguration = KubeletConfiguration &
  Widened<typeof defaults> & { readonly evictionHard: Readonly<Record<string, string>> };

/** Fields whose zero means "not given" upstream: there is no pointer to tell zero from absent. */
const zeroIsAbsent = new Set([
  'address',
  'port',
  'registryBurst',
  'eventBurst',
  'healthzBindAddress',
  'nodeLeaseDurationSeconds',
  'maxPods',
  'maxOpenFiles',
  'contentType',
  'kubeAPIBurst',
  'containerLogMaxSize',
  'cgroupDriver',
  'cpuManagerPolicy',
  'memoryManagerPolicy',
  'topologyManagerPolicy',
  'topologyManagerScope',
  'hairpinMode',
  'configMapAndSecretChangeDetectionStrategy',
  'volumePluginDir',
  'memoryReservationPolicy',
  'containerRuntimeEndpoint',
  'podLogsDir',
  'imagePullCredentialsVerificationPolicy',
  'mode',
]);
/** Durations that are pointers, or whose zero is a setting. */
const zeroDurationCounts = new Set([
  'cpuCFSQuotaPeriod',
  'containerLogMonitorInterval',
  'maxContainerRestartPeriod',
  'shutdownGracePeriod',
  'shutdownGracePeriodCriticalPods',
  'imageMaximumGCAge',
]);

/** The configuration in force. */
export function withDefaults(given: KubeletConfiguration): EffectiveConfiguration {
  const merged = over(defaults, given) as KubeletConfiguration & Widened<typeof defaults>;
  const parallel = given.maxParallelImagePulls ?? 1;
  return {
    ...merged,
    // Who sets how often the status is looked at, and nothing else, means both; as upstream.
    ...(isAbsent('nodeStatusReportFrequency', given.nodeStatusReportFrequency) &&
      !isAbsent('nodeStatusUpdateFrequency', given.nodeStatusUpdateFrequency) && {
        nodeStatusReportFrequency: merged.nodeStatusUpdateFrequency,
      }),
    podPidsLimit: Math.max(merged.podPidsLimit, -1),
    serializeImagePulls: given.serializeImagePulls ?? parallel < 2,
    evictionHard: evictionHard(given),
  };
}

function evictionHard(given: KubeletConfiguration): Readonly<Record<string, string>> {
  if (given.evictionHard === undefined) return defaultEvictionHard;
  if (given.mergeDefaultEvictionSettings) return { ...defaultEvictionHard, ...given.evictionHard };
  // Whoever names one threshold has named them all: the others are off.
  return given.evictionHard;
}

function isAbsent(name: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (zeroIsAbsent.has(name)) return value === 0 || value === '';
  return value === '0s' && !zeroDurationCounts.has(name);
}

function over(base: object, given: object): object {
  const out: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(given)) {
    const below = out[name];
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isObject && typeof below === 'object' && below !== null) out[name] = over(below, value);
    else if (!isAbsent(name, value) || below === undefined) out[name] = value;
  }
  return out;
}
