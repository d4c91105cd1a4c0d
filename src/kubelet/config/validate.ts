import { parseDuration } from '../../machinery/codec/go-duration.ts';
import { messageOf } from '../../base/errors.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';
import { parseThresholds } from '../eviction/thresholds.ts';
import type { EffectiveConfiguration } from './defaults.ts';

type Name = keyof EffectiveConfiguration;

/** Fields that are numbers, and what they may be, both ends included; 0 besides where `orZero`. */
const ranges: readonly { readonly name: Name; readonly from: number; readonly to?: number; readonly orZero?: true }[] =
  [
    { name: 'nodeLeaseDurationSeconds', from: 1 },
    { name: 'eventBurst', from: 0 },
    { name: 'eventRecordQPS', from: 0 },
    { name: 'healthzPort', from: 1, to: 65_535, orZero: true },
    { name: 'port', from: 1, to: 65_535 },
    { name: 'readOnlyPort', from: 1, to: 65_535, orZero: true },
    { name: 'imageGCHighThresholdPercent', from: 0, to: 100 },
    { name: 'imageGCLowThresholdPercent', from: 0, to: 100 },
    { name: 'iptablesDropBit', from: 0, to: 31 },
    { name: 'iptablesMasqueradeBit', from: 0, to: 31 },
    { name: 'kubeAPIBurst', from: 0 },
    { name: 'kubeAPIQPS', from: 0 },
    { name: 'nodeStatusMaxImages', from: -1 },
    { name: 'maxOpenFiles', from: 0 },
    { name: 'maxPods', from: 0 },
    { name: 'podsPerCore', from: 0 },
    { name: 'oomScoreAdj', from: -1000, to: 1000 },
    { name: 'registryBurst', from: 0 },
    { name: 'registryPullQPS', from: 0 },
    { name: 'maxParallelImagePulls', from: 1 },
    { name: 'containerLogMaxWorkers', from: 1 },
    { name: 'containerLogMaxFiles', from: 2 },
  ];

const choices: readonly { readonly name: Name; readonly of: readonly string[] }[] = [
  { name: 'topologyManagerPolicy', of: ['none', 'best-effort', 'restricted', 'single-numa-node'] },
  { name: 'topologyManagerScope', of: ['container', 'pod'] },
  { name: 'cpuManagerPolicy', of: ['none', 'static'] },
  { name: 'memoryManagerPolicy', of: ['None', 'Static'] },
  { name: 'hairpinMode', of: ['none', 'hairpin-veth', 'promiscuous-bridge'] },
  { name: 'cgroupDriver', of: ['cgroupfs', 'systemd'] },
  { name: 'memoryReservationPolicy', of: ['None', 'TieredReservation'] },
  {
    name: 'imagePullCredentialsVerificationPolicy',
    of: ['NeverVerify', 'NeverVerifyPreloadedImages', 'NeverVerifyAllowlistedImages', 'AlwaysVerify'],
  },
];

const enforcements = [
  'pods',
  'system-reserved',
  'system-reserved-compressible',
  'kube-reserved',
  'kube-reserved-compressible',
  'none',
];

/** Everything that is wrong with a configuration: upstream's rules, each message with the field, its value and what it may be. */
export function validateKubeletConfiguration(config: EffectiveConfiguration): string[] {
  const wrong: string[] = [];
  const refuse = (name: string, value: unknown, want: string) =>
    wrong.push(`invalid configuration: ${name} ${JSON.stringify(value)} ${want}`);

  for (const { name, from, to = Number.POSITIVE_INFINITY, orZero } of ranges) {
    const value = config[name] as number | undefined;
    if (value === undefined || (orZero && value === 0) || (value >= from && value <= to)) continue;
    refuse(
      name,
      value,
      Number.isFinite(to) ? `must be between ${from} and ${to}, inclusive` : `must be at least ${from}`,
    );
  }
  for (const { name, of } of choices) {
    const value = config[name] as string;
    if (!of.includes(value)) refuse(name, value, `must be one of ${of.join(', ')}`);
  }
  images(config, refuse);
  times(config, refuse);
  reservations(config, refuse);
  if (!['AlwaysAllow', 'Webhook'].includes(config.authorization.mode))
    refuse('authorization.mode', config.authorization.mode, 'must be AlwaysAllow or Webhook');
  if (config.systemCgroups && !config.cgroupRoot) refuse('systemCgroups', config.systemCgroups, 'needs cgroupRoot');
  if (config.runOnce) refuse('runOnce', true, 'is no longer supported');
  if (!['', 'NoSwap', 'LimitedSwap'].includes(config.memorySwap.swapBehavior ?? ''))
    refuse('memorySwap.swapBehavior', config.memorySwap.swapBehavior, 'must be NoSwap or LimitedSwap');
  if (!(config.memoryThrottlingFactor > 0 && config.memoryThrottlingFactor <= 1))
    refuse('memoryThrottlingFactor', config.memoryThrottlingFactor, 'must be more than 0 and at most 1');
  if (config.enableSystemLogQuery && !config.enableSystemLogHandler)
    refuse('enableSystemLogQuery', true, 'needs enableSystemLogHandler');
  if (!config.podLogsDir.startsWith('/') || /\/\.{0,2}(\/|$)/.test(config.podLogsDir))
    refuse('podLogsDir', config.podLogsDir, 'must be an absolute path without ., .. or //');
  for (const taint of config.registerWithTaints ?? []) {
    if (!taint.key || !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(taint.effect ?? ''))
      refuse('registerWithTaints', taint, 'needs a key and an effect of NoSchedule, PreferNoSchedule or NoExecute');
    if (taint.timeAdded) refuse('registerWithTaints', taint, 'must not say timeAdded');
  }
  return wrong;
}

type Refuse = (name: string, value: unknown, want: string) => void;

function images(config: EffectiveConfiguration, refuse: Refuse): void {
  const { imageGCLowThresholdPercent: low, imageGCHighThresholdPercent: high } = config;
  if (low >= high) refuse('imageGCLowThresholdPercent', low, `must be less than imageGCHighThresholdPercent ${high}`);
  const oldest = msOf(config.imageMaximumGCAge);
  const youngest = msOf(config.imageMinimumGCAge);
  if (youngest < 0) refuse('imageMinimumGCAge', config.imageMinimumGCAge, 'must not be negative');
  if (oldest < 0) refuse('imageMaximumGCAge', config.imageMaximumGCAge, 'must not be negative');
  if (oldest > 0 && oldest <= youngest)
    refuse(
      'imageMaximumGCAge',
      config.imageMaximumGCAge,
      `must be greater than imageMinimumGCAge ${config.imageMinimumGCAge}`,
    );
  if (config.serializeImagePulls && (config.maxParallelImagePulls ?? 1) > 1)
    refuse('maxParallelImagePulls', config.maxParallelImagePulls, 'needs serializeImagePulls to be false');
  if (
    (config.preloadedImagesVerificationAllowlist?.length ?? 0) > 0 &&
    config.imagePullCredentialsVerificationPolicy !== 'NeverVerifyAllowlistedImages'
  )
    refuse(
      'preloadedImagesVerificationAllowlist',
      config.preloadedImagesVerificationAllowlist,
      'needs imagePullCredentialsVerificationPolicy NeverVerifyAllowlistedImages',
    );
}

function times(config: EffectiveConfiguration, refuse: Refuse): void {
  const quota = msOf(config.cpuCFSQuotaPeriod);
  if (quota < 1 || quota > 1000) refuse('cpuCFSQuotaPeriod', config.cpuCFSQuotaPeriod, 'must be between 1ms and 1s');
  if (msOf(config.containerLogMonitorInterval) < 3000)
    refuse('containerLogMonitorInterval', config.containerLogMonitorInterval, 'must be at least 3s');
  const crash = config.crashLoopBackOff.maxContainerRestartPeriod;
  if (msOf(crash) < 1000 || msOf(crash) > 300_000)
    refuse('crashLoopBackOff.maxContainerRestartPeriod', crash, 'must be between 1s and 300s');
  for (const name of ['shutdownGracePeriod', 'shutdownGracePeriodCriticalPods'] as const) {
    const ms = msOf(config[name]);
    if (ms !== 0 && ms < 1000) refuse(name, config[name], 'must be 0 or at least 1s');
  }
  if (msOf(config.shutdownGracePeriodCriticalPods) > msOf(config.shutdownGracePeriod))
    refuse(
      'shutdownGracePeriodCriticalPods',
      config.shutdownGracePeriodCriticalPods,
      `must be at most shutdownGracePeriod ${config.shutdownGracePeriod}`,
    );
  if ((config.shutdownGracePeriodByPodPriority?.length ?? 0) > 0 && msOf(config.shutdownGracePeriod) > 0)
    refuse(
      'shutdownGracePeriodByPodPriority',
      config.shutdownGracePeriodByPodPriority,
      'cannot be given together with shutdownGracePeriod',
    );
}

function reservations(config: EffectiveConfiguration, refuse: Refuse): void {
  try {
    parseThresholds(config);
  } catch (error) {
    refuse('eviction thresholds', config.evictionHard, `: ${messageOf(error)}`);
  }
  for (const field of ['kubeReserved', 'systemReserved'] as const)
    for (const [name, amount] of Object.entries(config[field] ?? {})) {
      const quantity = Quantity.tryParse(amount);
      if (!['cpu', 'memory', 'ephemeral-storage', 'pid'].includes(name) && !name.startsWith('hugepages-'))
        refuse(`${field}.${name}`, amount, 'cannot be reserved: want cpu, memory, ephemeral-storage or pid');
      else if (!quantity || quantity.sign < 0) refuse(`${field}.${name}`, amount, 'must be a quantity of at least 0');
    }
  if (config.reservedSystemCPUs && (config.systemReservedCgroup || config.kubeReservedCgroup))
    refuse(
      'reservedSystemCPUs',
      config.reservedSystemCPUs,
      'cannot be given together with systemReservedCgroup or kubeReservedCgroup',
    );
  const seen = new Set<string>();
  for (const level of config.enforceNodeAllocatable) {
    const say = (want: string) => refuse('enforceNodeAllocatable', level, want);
    if (seen.has(level)) say('is given twice');
    seen.add(level);
    if (!enforcements.includes(level)) say(`must be one of ${enforcements.join(', ')}`);
    if (level === 'none') {
      if (config.enforceNodeAllocatable.length > 1) say('must stand alone');
      continue;
    }
    if (level.startsWith('system-reserved') && !config.systemReservedCgroup) say('needs systemReservedCgroup');
    if (level.startsWith('kube-reserved') && !config.kubeReservedCgroup) say('needs kubeReservedCgroup');
    if (!config.cgroupsPerQOS) say('needs cgroupsPerQOS');
  }
  for (const kind of ['system-reserved', 'kube-reserved'])
    if (seen.has(kind) && seen.has(`${kind}-compressible`))
      refuse('enforceNodeAllocatable', `${kind}-compressible`, `cannot be given together with ${kind}`);
}

/** Milliseconds of a duration that has been decoded. */
export function msOf(duration: string): number {
  return Number(parseDuration(duration)) / 1e6;
}
