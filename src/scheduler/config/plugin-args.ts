/** Arguments of plugins: which have any, their defaults, and what is wrong with them in upstream's words. */
import { isQualifiedName } from '../../machinery/validation/formats.ts';
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../machinery/validation/field-error.ts';
import { validateLabelName } from '../../machinery/validation/object-meta.ts';
import { durationMs } from './duration.ts';
import { validateNodeSelectorTerms } from './node-selector-terms.ts';
import type {
  NodeAffinityArgs,
  NodeResourcesBalancedAllocationArgs,
  NodeResourcesFitArgs,
  ResourceSpec,
  ShapePoint,
  SpreadArgs,
} from './configuration.ts';

/** biome-ignore lint/suspicious/noExplicitAny: each entry knows its own arguments; the table does not. */
type Args = any;

export interface ArgsRule {
  /** Names that the arguments may have. */
  readonly fields: readonly string[];
  readonly defaults: (args: Args) => object;
  readonly validate: (args: Args, path: string) => readonly FieldError[];
}

const cpuAndMemory: readonly ResourceSpec[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];
const weighted = (resources: readonly Partial<ResourceSpec>[] | undefined) =>
  resources === undefined || resources.length === 0
    ? cpuAndMemory
    : resources.map((r) => ({ ...r, weight: r.weight || 1 }));

/** By plugin name; what is not here takes no arguments, or none that are known. */
export const argsRules: Readonly<Record<string, ArgsRule>> = {
  DefaultPreemption: {
    fields: ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute'],
    defaults: (args) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }),
    validate: validatePreemption,
  },
  InterPodAffinity: {
    fields: ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'],
    defaults: (args) => ({ hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false, ...args }),
    validate: ({ hardPodAffinityWeight: weight }, path) =>
      weight < 0 || weight > 100
        ? [invalid(`${path}.hardPodAffinityWeight`, weight, 'not in valid range [0, 100]')]
        : [],
  },
  NodeAffinity: { fields: ['addedAffinity'], defaults: (args) => args, validate: validateNodeAffinity },
  NodeResourcesBalancedAllocation: {
    fields: ['resources'],
    defaults: (args) => ({ ...args, resources: weighted(args.resources) }),
    validate: validateBalanced,
  },
  NodeResourcesFit: {
    fields: ['ignoredResources', 'ignoredResourceGroups', 'scoringStrategy'],
    defaults: (args: NodeResourcesFitArgs) => ({
      ...args,
      scoringStrategy: {
        ...(args.scoringStrategy ?? { type: 'LeastAllocated' }),
        resources: weighted(args.scoringStrategy?.resources),
      },
    }),
    validate: validateFit,
  },
  PodTopologySpread: {
    fields: ['defaultConstraints', 'defaultingType'],
    defaults: (args: SpreadArgs) => ({ ...args, defaultingType: args.defaultingType || 'System' }),
    validate: validateSpread,
  },
  VolumeBinding: {
    fields: ['bindTimeoutSeconds', 'shape'],
    defaults: (args) => ({ bindTimeoutSeconds: 600, ...args }),
    validate: ({ bindTimeoutSeconds: seconds, shape }, path) => [
      ...(seconds < 0
        ? [invalid(`${path}.bindTimeoutSeconds`, seconds, 'invalid BindTimeoutSeconds, should not be a negative value')]
        : []),
      ...(shape === undefined
        ? []
        : [
            invalid(
              `${path}.shape`,
              shape,
              'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
            ),
          ]),
    ],
  },
  DynamicResources: {
    fields: ['filterTimeout', 'bindingTimeout'],
    defaults: (args) => ({ filterTimeout: '10s', bindingTimeout: '10m0s', ...args }),
    validate: ({ filterTimeout, bindingTimeout }, path) => [
      ...(durationMs(filterTimeout) < 0
        ? [invalid(`${path}.filterTimeout`, filterTimeout, 'must be zero or positive')]
        : []),
      ...(durationMs(bindingTimeout) < 1000
        ? [invalid(`${path}.bindingTimeout`, bindingTimeout, 'must be at least 1 second')]
        : []),
    ],
  },
};

function validatePreemption(
  args: { readonly minCandidateNodesPercentage: number; readonly minCandidateNodesAbsolute: number },
  path: string,
): FieldError[] {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args;
  const [ofPercentage, ofAbsolute] = [`${path}.minCandidateNodesPercentage`, `${path}.minCandidateNodesAbsolute`];
  const errors: FieldError[] = [];
  if (percentage < 0 || percentage > 100) errors.push(invalid(ofPercentage, percentage, 'not in valid range [0, 100]'));
  if (absolute < 0) errors.push(invalid(ofAbsolute, absolute, 'not in valid range [0, inf)'));
  if (percentage === 0 && absolute === 0)
    errors.push(
      invalid(ofPercentage, percentage, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
      invalid(ofAbsolute, absolute, 'cannot be zero at the same time as minCandidateNodesPercentage'),
    );
  return errors;
}

function validateNodeAffinity({ addedAffinity }: NodeAffinityArgs, path: string): FieldError[] {
  const at = `${path}.addedAffinity`;
  const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...validateNodeSelectorTerms(
      required?.nodeSelectorTerms ?? [],
      (i) => `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`,
    ),
    ...validateNodeSelectorTerms(
      preferred.map((p) => p.preference),
      (i) => `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`,
    ),
  ];
}

function validateBalanced({ resources = [] }: NodeResourcesBalancedAllocationArgs, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { name, weight }] of resources.entries()) {
    if (seen.has(name)) errors.push(duplicate(`${path}.resources[${i}].name`, name));
    seen.add(name);
    if (weight !== 1) errors.push(invalid(`${path}.resources[${i}].weight`, weight, 'must be 1'));
  }
  return errors;
}

const strategies = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

function validateFit(args: NodeResourcesFitArgs, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, name] of (args.ignoredResources ?? []).entries())
    errors.push(...validateLabelName(name, `${path}.ignoredResources[${i}]`));
  for (const [i, group] of (args.ignoredResourceGroups ?? []).entries()) {
    const at = `${path}.ignoredResourceGroups[${i}]`;
    if (group.includes('/')) errors.push(invalid(at, group, "resource group name can't contain '/'"));
    errors.push(...validateLabelName(group, at));
  }
  const strategy = args.scoringStrategy!;
  const at = `${path}.scoringStrategy`;
  if (!strategies.includes(strategy.type)) errors.push(notSupported(`${at}.type`, strategy.type, strategies));
  for (const [i, { name, weight }] of strategy.resources.entries())
    if (weight <= 0 || weight > 100)
      errors.push(
        invalid(`${at}.resources[${i}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`),
      );
  const ratio = `${at}.requestedToCapacityRatio`;
  if (strategy.type !== 'RequestedToCapacityRatio') {
    if (strategy.requestedToCapacityRatio !== undefined)
      errors.push(forbidden(ratio, 'must be nil when type is not RequestedToCapacityRatio'));
  } else if (strategy.requestedToCapacityRatio === undefined)
    errors.push(required(ratio, 'must be specified when type is RequestedToCapacityRatio'));
  else errors.push(...validateShape(strategy.requestedToCapacityRatio.shape ?? [], `${ratio}.shape`));
  return errors;
}

function validateShape(shape: readonly ShapePoint[], path: string): FieldError[] {
  if (shape.length === 0) return [required(path, 'at least one point must be specified')];
  const errors: FieldError[] = [];
  const unsorted = shape.findIndex((point, i) => i > 0 && shape[i - 1]!.utilization >= point.utilization);
  if (unsorted > 0)
    errors.push(
      invalid(
        `${path}[${unsorted}].utilization`,
        shape[unsorted]!.utilization,
        'values must be sorted in increasing order',
      ),
    );
  for (const [i, { utilization, score }] of shape.entries()) {
    if (utilization < 0 || utilization > 100)
      errors.push(invalid(`${path}[${i}].utilization`, utilization, 'not in valid range [0, 100]'));
    if (score < 0 || score > 10) errors.push(invalid(`${path}[${i}].score`, score, 'not in valid range [0, 10]'));
  }
  return errors;
}

function validateSpread({ defaultingType, defaultConstraints = [] }: SpreadArgs, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const ofType = `${path}.defaultingType`;
  if (defaultingType !== 'System' && defaultingType !== 'List')
    errors.push(notSupported(ofType, defaultingType, ['System', 'List']));
  else if (defaultingType === 'System' && defaultConstraints.length > 0)
    errors.push(invalid(ofType, defaultingType, 'when .defaultConstraints are not empty'));
  for (const [i, c] of defaultConstraints.entries()) {
    const at = `${path}.defaultConstraints[${i}]`;
    if (!(c.maxSkew > 0)) errors.push(invalid(`${at}.maxSkew`, c.maxSkew ?? 0, 'not in valid range (0, inf)'));
    if (!c.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    else if (isQualifiedName(c.topologyKey).length > 0)
      errors.push(...validateLabelName(c.topologyKey, `${at}.topologyKey`));
    const when: string = c.whenUnsatisfiable ?? '';
    if (when === '') errors.push(required(`${at}.whenUnsatisfiable`, 'can not be empty'));
    else if (when !== 'DoNotSchedule' && when !== 'ScheduleAnyway')
      errors.push(notSupported(`${at}.whenUnsatisfiable`, when, ['DoNotSchedule', 'ScheduleAnyway']));
    if (c.labelSelector !== undefined)
      errors.push(
        forbidden(`${at}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod'),
      );
    const same = defaultConstraints
      .slice(0, i)
      .some((o) => o.topologyKey === c.topologyKey && o.whenUnsatisfiable === c.whenUnsatisfiable);
    if (same) errors.push(duplicate(at, `{${c.topologyKey}, ${c.whenUnsatisfiable}}`));
  }
  return errors;
}
