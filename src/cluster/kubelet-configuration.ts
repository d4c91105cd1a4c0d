/** KubeletConfiguration files, and what `skiff up` sets for its nodes. */
import { existsSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { decodeKubeletConfiguration } from '../kubelet/config/decode.ts';
import { defaultEvictionHard, type EffectiveConfiguration, withDefaults } from '../kubelet/config/defaults.ts';
import type { KubeletConfiguration } from '../kubelet/config/kubelet-configuration.ts';
import { validateKubeletConfiguration } from '../kubelet/config/validate.ts';
import { readFlagFile } from './components/component.ts';
import { UsageError } from './usage-error.ts';

/** What the file of a flag says, empty without one; throws UsageError naming flag and file. */
export function readKubeletConfiguration(flag: string, file: string | undefined): KubeletConfiguration {
  if (file === undefined) return {};
  const document = readFlagFile(flag, file);
  try {
    return decodeKubeletConfiguration(document);
  } catch (error) {
    throw new UsageError(`${flag} ${file}: ${messageOf(error)}`);
  }
}

/** What will be in force; throws UsageError with all that is wrong, and where this host's cgroups are refused. */
export function checkKubeletConfiguration(flag: string, given: KubeletConfiguration): EffectiveConfiguration {
  const config = withDefaults(given);
  const wrong = validateKubeletConfiguration(config);
  if (wrong.length > 0) throw new UsageError(wrong.join('; '));
  // Upstream's default since v1.35.
  if (config.failCgroupV1 && !existsSync('/sys/fs/cgroup/cgroup.controllers'))
    throw new UsageError(`this host has cgroup v1, which kubelets refuse unless failCgroupV1: false in ${flag}`);
  return config;
}

/**
 * The disk of a node of `skiff up` is the user's own, filled by things that no pod is to blame for, and removing images that
 * were loaded by hand frees nothing for long: neither is done because of it. Memory is watched as upstream does.
 */
const relaxed = {
  evictionHard: {
    ...defaultEvictionHard,
    'nodefs.available': '0%',
    'nodefs.inodesFree': '0%',
    'imagefs.available': '0%',
    'imagefs.inodesFree': '0%',
  },
  imageGCHighThresholdPercent: 100,
  failCgroupV1: false,
} as const satisfies KubeletConfiguration;

/** Of a node of `skiff up`: what the user's file says wins, field by field; upstream's defaults for all else. */
export function nodeConfiguration(
  given: KubeletConfiguration,
  dns: Required<Pick<KubeletConfiguration, 'clusterDNS' | 'clusterDomain'>>,
): KubeletConfiguration {
  return { ...relaxed, ...dns, ...given };
}
