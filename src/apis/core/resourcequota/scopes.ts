/** Which objects a ResourceQuota speaks of: all of its resources, or those within its scopes. */
import type { DeepReadonly, KubeObject } from '../../../machinery/meta/object.ts';
import { requirementMatches } from '../../../machinery/selectors/labels.ts';
import type {
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  PodSpec,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../../generated/types/core/v1.ts';
import { qosClassOf } from '../pod/qos.ts';
import type { GroupResource } from './usage.ts';

export type ScopeRequirement = DeepReadonly<ScopedResourceSelectorRequirement>;

/** `spec.scopes` and `spec.scopeSelector`, as requirements. */
export function scopesOf({ spec }: DeepReadonly<ResourceQuota>): readonly ScopeRequirement[] {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}

/** Whether the object is within all scopes of the quota. Only pods and claims know any. */
export function isInScopes(
  quota: DeepReadonly<ResourceQuota>,
  { group, resource }: GroupResource,
  object: DeepReadonly<KubeObject>,
): boolean {
  for (const scope of scopesOf(quota)) {
    if (group === '' && resource === 'pods') {
      if (!podIsInScope(scope, object as DeepReadonly<Pod>)) return false;
    } else if (group === '' && resource === 'persistentvolumeclaims') {
      if (!claimIsInScope(scope, object as DeepReadonly<PersistentVolumeClaim>)) return false;
    } else return false;
  }
  return true;
}

export function podIsInScope(scope: ScopeRequirement, pod: DeepReadonly<Pod>): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
    case 'NotTerminating':
      return (pod.spec?.activeDeadlineSeconds ?? -1) < 0;
    case 'BestEffort':
      return qosClassOf(pod.spec as PodSpec) === 'BestEffort';
    case 'NotBestEffort':
      return qosClassOf(pod.spec as PodSpec) !== 'BestEffort';
    case 'PriorityClass':
      return matchesName(scope, pod.spec?.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function claimIsInScope(scope: ScopeRequirement, claim: DeepReadonly<PersistentVolumeClaim>): boolean {
  if (scope.scopeName !== 'VolumeAttributesClass') return false;
  const names = [
    claim.spec?.volumeAttributesClassName,
    claim.status?.currentVolumeAttributesClassName,
    claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== '');
  return names.length === 0 ? matchesName(scope, '') : names.some((name) => matchesName(scope, name!));
}

function matchesName({ scopeName, operator, values = [] }: ScopeRequirement, name: string): boolean {
  const labels = name === '' ? {} : { [scopeName]: name };
  const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const;
  const known = operators[operator as keyof typeof operators];
  return known !== undefined && requirementMatches({ key: scopeName, operator: known, values }, labels);
}

function crossesNamespaces({ spec }: DeepReadonly<Pod>): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const crosses = (term: DeepReadonly<PodAffinityTerm> | undefined) =>
    (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined;
  return [podAffinity, podAntiAffinity].some(
    (affinity) =>
      affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(crosses) ||
      affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some((w) => crosses(w.podAffinityTerm)),
  );
}
