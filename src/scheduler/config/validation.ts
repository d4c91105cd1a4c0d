/** What is wrong with a defaulted configuration, in upstream's words and order. */
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import {
  duplicate,
  type FieldError,
  fieldErrorText,
  invalid,
  required,
} from '../../machinery/validation/field-error.ts';
import { apiVersion, extensionPoints, type LeaderElectionSettings, type Plugins } from './configuration.ts';
import { argsRules } from './plugin-args.ts';

export interface ReadProfile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins: Plugins;
  readonly pluginConfig: readonly { readonly name: string; readonly args: object }[];
}

export interface ReadConfiguration {
  readonly profiles: readonly ReadProfile[];
  readonly percentageOfNodesToScore: number;
  readonly parallelism: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
  readonly leaderElection: LeaderElectionSettings;
  readonly extenders: readonly object[];
  readonly kubeconfig?: string;
}

/** Names that were plugins once. */
const removed = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];

export function validateConfiguration(config: ReadConfiguration): readonly string[] {
  const { leaderElection: election, profiles } = config;
  const errors: FieldError[] = [];
  if (election.leaderElect && election.resourceLock !== 'leases')
    errors.push(invalid('leaderElection.resourceLock', election.resourceLock, 'resourceLock value must be "leases"'));
  if (election.leaderElect && election.leaseDurationMs <= election.renewDeadlineMs)
    errors.push(
      invalid(
        'leaderElection.leaseDuration',
        election.renewDeadlineMs,
        'LeaseDuration must be greater than RenewDeadline',
      ),
    );
  if (config.parallelism <= 0)
    errors.push(invalid('parallelism', config.parallelism, 'should be an integer value greater than zero'));
  const seen = new Map<string, number>();
  for (const [i, profile] of profiles.entries()) {
    const path = `profiles[${i}]`;
    errors.push(...validateProfile(profile, path));
    const other = seen.get(profile.schedulerName);
    if (other !== undefined) errors.push(duplicate(`${path}.schedulerName`, `profiles[${other}].schedulerName`));
    seen.set(profile.schedulerName, i);
  }
  errors.push(...validateQueueSort(profiles));
  errors.push(...validatePercentage(config.percentageOfNodesToScore, 'percentageOfNodesToScore'));
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = config;
  if (initial <= 0) errors.push(invalid('podInitialBackoffSeconds', initial, 'must be greater than 0'));
  if (max < initial)
    errors.push(invalid('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds'));
  const texts = errors.map(fieldErrorText);
  if (config.extenders.length > 0) texts.push('extenders: extenders over HTTP are not implemented; remove them');
  return texts;
}

function validatePercentage(value: number | undefined, path: string): FieldError[] {
  return value !== undefined && (value < 0 || value > 100) ? [invalid(path, value, 'not in valid range [0-100]')] : [];
}

function validateProfile(profile: ReadProfile, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const gone = `was invalid in version "${apiVersion}" (KubeSchedulerConfiguration is version "${apiVersion}")`;
  if (profile.schedulerName === '') errors.push(required(`${path}.schedulerName`));
  errors.push(...validatePercentage(profile.percentageOfNodesToScore, `${path}.percentageOfNodesToScore`));
  for (const point of extensionPoints)
    for (const [i, { name }] of (profile.plugins[point]?.enabled ?? []).entries())
      if (removed.includes(name)) errors.push(invalid(`${path}.plugins.${point}.enabled[${i}]`, name, gone));
  const seen = new Set<string>();
  for (const [i, { name, args }] of profile.pluginConfig.entries()) {
    const at = `${path}.pluginConfig[${i}]`;
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (removed.includes(name)) errors.push(invalid(at, name, gone));
    else errors.push(...(argsRules[name]?.validate(args, `${at}.args`) ?? []));
  }
  return errors;
}

/** All profiles share one queue, so they must sort it alike. */
function validateQueueSort(profiles: readonly ReadProfile[]): FieldError[] {
  const errors: FieldError[] = [];
  const first = profiles[0]!.plugins.queueSort ?? {};
  const count = first.enabled?.length ?? 0;
  if (count > 1)
    errors.push(invalid('profiles[0].plugins.queueSort.Enabled', count, 'only one queue sort plugin can be enabled'));
  for (const [i, { plugins }] of profiles.entries())
    if (i > 0 && !semanticEqual(first, plugins.queueSort ?? {}))
      errors.push(invalid(`profiles[${i}].plugins.queueSort`, plugins.queueSort, 'must be the same for all profiles'));
  return errors;
}
