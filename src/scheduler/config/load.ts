/** A configuration file, read strictly, defaulted and checked as upstream's kube-scheduler does. */
import { DecodeError, strictDecodingError } from '../../machinery/schema/errors.ts';
import { parseYaml } from '../../machinery/codec/yaml.ts';
import { defaultPlugins } from '../plugins/index.ts';
import type { PluginRegistration } from '../framework/plugin.ts';
import {
  apiVersion,
  defaultSchedulerName,
  extensionPoints,
  kind,
  type PluginEntry,
  type Plugins,
  type Profile,
  type SchedulerConfiguration,
} from './configuration.ts';
import { durationMs } from './duration.ts';
import { argsRules } from './plugin-args.ts';
import { enabledNames, mergePlugins } from './plugin-sets.ts';
import { type ReadConfiguration, validateConfiguration } from './validation.ts';

/** As read, before defaults. */
interface RawProfile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: Plugins;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: object }[];
}

interface Raw {
  readonly parallelism?: number;
  readonly leaderElection?: {
    readonly leaderElect?: boolean;
    readonly leaseDuration?: string;
    readonly renewDeadline?: string;
    readonly retryPeriod?: string;
    readonly resourceLock?: string;
    readonly resourceName?: string;
    readonly resourceNamespace?: string;
  };
  readonly clientConnection?: { readonly kubeconfig?: string };
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly RawProfile[];
  readonly extenders?: readonly object[];
}

const pluginNames = (registry: readonly PluginRegistration[]): readonly PluginEntry[] =>
  registry.map(({ name, weight }) => (weight === undefined ? { name } : { name, weight }));

/** The configuration of a text in YAML or JSON. Throws with everything that is wrong in it. */
export function loadConfiguration(
  text: string,
  registry: readonly PluginRegistration[] = defaultPlugins,
): SchedulerConfiguration {
  const { value, strictErrors } = parseYaml(text);
  const raw = recordOf(value, 'configuration');
  if (raw['apiVersion'] !== apiVersion || raw['kind'] !== kind)
    throw new DecodeError(
      `no kind "${raw['kind'] ?? ''}" is registered for version "${raw['apiVersion'] ?? ''}": want ${kind} of ${apiVersion}`,
    );
  const problems = [...strictErrors, ...unknownFields(raw)];
  if (problems.length > 0) throw new DecodeError(strictDecodingError(problems));
  const read = withDefaults(raw as Raw, registry);
  const errors = validateConfiguration(read);
  if (errors.length === 1) throw new Error(errors[0]);
  if (errors.length > 1) throw new Error(`[${errors.join(', ')}]`);
  return settled(read);
}

/** What runs without a file: one profile, `default-scheduler`, all default plugins. */
export function defaultConfiguration(registry: readonly PluginRegistration[] = defaultPlugins): SchedulerConfiguration {
  return settled(withDefaults({}, registry));
}

function withDefaults(raw: Raw, registry: readonly PluginRegistration[]): ReadConfiguration {
  const profiles = raw.profiles === undefined || raw.profiles.length === 0 ? [{}] : raw.profiles;
  const election = raw.leaderElection ?? {};
  return {
    profiles: profiles.map((profile: RawProfile) => {
      const plugins = mergePlugins(pluginNames(registry), profile.plugins);
      const pluginConfig = (profile.pluginConfig ?? []).map(({ name, args = {} }) => {
        const { apiVersion: _v, kind: _k, ...own } = args as Record<string, unknown>;
        return { name, args: argsRules[name]?.defaults(own) ?? own };
      });
      const given = new Set(pluginConfig.map((c) => c.name));
      for (const name of enabledNames(plugins))
        if (!given.has(name) && argsRules[name] !== undefined)
          pluginConfig.push({ name, args: argsRules[name].defaults({}) });
      return {
        schedulerName: profile.schedulerName ?? (profiles.length === 1 ? defaultSchedulerName : ''),
        ...(profile.percentageOfNodesToScore === undefined
          ? {}
          : { percentageOfNodesToScore: profile.percentageOfNodesToScore }),
        plugins,
        pluginConfig,
      };
    }),
    percentageOfNodesToScore: raw.percentageOfNodesToScore ?? 0,
    parallelism: raw.parallelism ?? 16,
    podInitialBackoffSeconds: raw.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: raw.podMaxBackoffSeconds ?? 10,
    leaderElection: {
      leaderElect: election.leaderElect ?? true,
      leaseDurationMs: durationMs(election.leaseDuration ?? '15s'),
      renewDeadlineMs: durationMs(election.renewDeadline ?? '10s'),
      retryPeriodMs: durationMs(election.retryPeriod ?? '2s'),
      resourceLock: election.resourceLock || 'leases',
      resourceName: election.resourceName || 'kube-scheduler',
      resourceNamespace: election.resourceNamespace || 'kube-system',
    },
    extenders: raw.extenders ?? [],
    ...(raw.clientConnection?.kubeconfig ? { kubeconfig: raw.clientConnection.kubeconfig } : {}),
  };
}

function settled(read: ReadConfiguration): SchedulerConfiguration {
  const { profiles, podInitialBackoffSeconds, podMaxBackoffSeconds, extenders: _none, ...rest } = read;
  return {
    ...rest,
    podInitialBackoffMs: podInitialBackoffSeconds * 1000,
    podMaxBackoffMs: podMaxBackoffSeconds * 1000,
    profiles: profiles.map(
      ({ pluginConfig, ...profile }): Profile => ({
        ...profile,
        pluginConfig: new Map(pluginConfig.map(({ name, args }) => [name, args])),
      }),
    ),
  };
}

const known = {
  top: [
    'apiVersion',
    'kind',
    'parallelism',
    'leaderElection',
    'clientConnection',
    'enableProfiling',
    'enableContentionProfiling',
    'percentageOfNodesToScore',
    'podInitialBackoffSeconds',
    'podMaxBackoffSeconds',
    'profiles',
    'extenders',
    'delayCacheUntilActive',
  ],
  profile: ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig'],
  leaderElection: [
    'leaderElect',
    'leaseDuration',
    'renewDeadline',
    'retryPeriod',
    'resourceLock',
    'resourceName',
    'resourceNamespace',
  ],
  clientConnection: ['kubeconfig', 'acceptContentTypes', 'contentType', 'qps', 'burst'],
};

/** `unknown field "profiles[0].plugin"`, for each name that nothing reads. Throws where a value has another type. */
function unknownFields(raw: Record<string, unknown>): readonly string[] {
  const problems: string[] = [];
  const look = (value: unknown, names: readonly string[], path: string): Record<string, unknown> => {
    if (value === undefined || value === null) return {};
    const record = recordOf(value, path);
    for (const name of Object.keys(record))
      if (!names.includes(name)) problems.push(`unknown field "${path === '' ? '' : `${path}.`}${name}"`);
    return record;
  };
  look(raw, known.top, '');
  look(raw['leaderElection'], known.leaderElection, 'leaderElection');
  look(raw['clientConnection'], known.clientConnection, 'clientConnection');
  for (const [i, one] of listOf(raw['profiles'], 'profiles').entries()) {
    const path = `profiles[${i}]`;
    const profile = look(one, known.profile, path);
    const plugins = look(profile['plugins'], ['multiPoint', ...extensionPoints], `${path}.plugins`);
    for (const point of Object.keys(plugins)) {
      const at = `${path}.plugins.${point}`;
      const set = look(plugins[point], ['enabled', 'disabled'], at);
      for (const list of ['enabled', 'disabled'] as const)
        for (const [j, plugin] of listOf(set[list], `${at}.${list}`).entries())
          look(plugin, ['name', 'weight'], `${at}.${list}[${j}]`);
    }
    for (const [j, entry] of listOf(profile['pluginConfig'], `${path}.pluginConfig`).entries()) {
      const at = `${path}.pluginConfig[${j}]`;
      const { name, args } = look(entry, ['name', 'args'], at);
      const rule = argsRules[String(name)];
      if (rule !== undefined) look(args, ['apiVersion', 'kind', ...rule.fields], `${at}.args`);
    }
  }
  return problems;
}

function recordOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DecodeError(`${path}: want an object, not ${JSON.stringify(value)}`);
  return value as Record<string, unknown>;
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new DecodeError(`${path}: want a list, not ${JSON.stringify(value)}`);
  return value;
}
