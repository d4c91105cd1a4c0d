import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { withDefaults } from './defaults.ts';
import type { KubeletConfiguration } from './kubelet-configuration.ts';

/** Fields that change what the kubelet does. All others are decoded, validated and shown, and do nothing yet. */
const heeded: ReadonlySet<string> = new Set<keyof KubeletConfiguration>([
  'address',
  'authentication',
  'authorization',
  'cgroupDriver',
  'clusterDNS',
  'clusterDomain',
  'containerLogMaxFiles',
  'containerLogMaxSize',
  'containerLogMonitorInterval',
  'containerRuntimeEndpoint',
  'crashLoopBackOff',
  'enforceNodeAllocatable',
  'evictionHard',
  'evictionMaxPodGracePeriod',
  'evictionMinimumReclaim',
  'evictionPressureTransitionPeriod',
  'evictionSoft',
  'evictionSoftGracePeriod',
  'failCgroupV1',
  'fileCheckFrequency',
  'healthzBindAddress',
  'healthzPort',
  'httpCheckFrequency',
  'imageGCHighThresholdPercent',
  'imageGCLowThresholdPercent',
  'imageMaximumGCAge',
  'imageMinimumGCAge',
  'kubeReserved',
  'localStorageCapacityIsolation',
  'maxPods',
  'mergeDefaultEvictionSettings',
  'nodeLeaseDurationSeconds',
  'nodeStatusMaxImages',
  'nodeStatusReportFrequency',
  'nodeStatusUpdateFrequency',
  'podPidsLimit',
  'podsPerCore',
  'port',
  'registerWithTaints',
  'shutdownGracePeriod',
  'shutdownGracePeriodByPodPriority',
  'shutdownGracePeriodCriticalPods',
  'staticPodPath',
  'staticPodURL',
  'staticPodURLHeader',
  'systemReserved',
  'tlsCertFile',
  'tlsPrivateKeyFile',
]);

/** What an operator has set to something else than its default, and will not get. */
export function unheededFields(given: KubeletConfiguration): string[] {
  const defaults = withDefaults({}) as Readonly<Record<string, unknown>>;
  const chosen = withDefaults(given) as Readonly<Record<string, unknown>>;
  return Object.keys(given).filter((name) => !heeded.has(name) && !semanticEqual(chosen[name], defaults[name]));
}
