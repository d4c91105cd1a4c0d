/** `KubeSchedulerConfiguration` of kubescheduler.config.k8s.io/v1: what a file may say, and what it means once defaulted. */
import type { NodeSelectorTerm, TopologySpreadConstraint } from '../framework/objects.ts';

export const apiVersion = 'kubescheduler.config.k8s.io/v1';
export const kind = 'KubeSchedulerConfiguration';
export const defaultSchedulerName = 'default-scheduler';

/** The points at which a profile enables and disables plugins, in the order of a cycle. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

export interface PluginEntry {
  readonly name: string;
  /** Of its score; 0 or absent: 1. */
  readonly weight?: number;
}

export interface PluginSet {
  readonly enabled?: readonly PluginEntry[];
  /** `*`: all of the defaults. */
  readonly disabled?: readonly PluginEntry[];
}

/** `multiPoint` stands for every point at which a plugin takes part. */
export type Plugins = { readonly [P in ExtensionPoint | 'multiPoint']?: PluginSet };

export interface Profile {
  readonly schedulerName: string;
  /** Absent: that of the whole configuration. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins: Plugins;
  /** Arguments by plugin, defaulted, without type meta. */
  readonly pluginConfig: ReadonlyMap<string, object>;
}

export interface LeaderElectionSettings {
  readonly leaderElect: boolean;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly resourceLock: string;
  readonly resourceName: string;
  readonly resourceNamespace: string;
}

export interface SchedulerConfiguration {
  readonly profiles: readonly Profile[];
  /** 0: adapts to the number of nodes. */
  readonly percentageOfNodesToScore: number;
  /** Accepted and of no effect: a decision runs in one task. */
  readonly parallelism: number;
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  readonly leaderElection: LeaderElectionSettings;
  readonly kubeconfig?: string;
}

export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

export interface ShapePoint {
  /** Percent, 0..100. */
  readonly utilization: number;
  /** 0..10. */
  readonly score: number;
}

export interface NodeResourcesFitArgs {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
    readonly resources: readonly ResourceSpec[];
    readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
  };
}

export interface NodeResourcesBalancedAllocationArgs {
  readonly resources?: readonly ResourceSpec[];
}

export interface NodeAffinityArgs {
  readonly addedAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
    };
    readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
      readonly weight: number;
      readonly preference: NodeSelectorTerm;
    }[];
  };
}

export interface SpreadArgs {
  readonly defaultingType?: string;
  readonly defaultConstraints?: readonly (TopologySpreadConstraint & { readonly labelSelector?: unknown })[];
}
