/** Order of groups and versions in discovery, as upstream's built-in APIServices give it. */

interface Priority {
  /** GroupPriorityMinimum: the greatest of a group's versions counts; greater first. */
  readonly group: number;
  /** VersionPriority, within the group; greater first. */
  readonly version: number;
}

const groups: Readonly<Record<string, number>> = {
  // Of the aggregator itself, which has no APIService: always first.
  'apiregistration.k8s.io': 20_001,
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'apiextensions.k8s.io': 16700,
  'admissionregistration.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
  'internal.apiserver.k8s.io': 16000,
  'storagemigration.k8s.io': 15800,
};

const versions: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'coordination.k8s.io/v1beta1': 13,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
  'resource.k8s.io/v1beta2': 15,
  'resource.k8s.io/v1alpha3': 1,
  'admissionregistration.k8s.io/v1beta1': 12,
  'discovery.k8s.io/v1beta1': 12,
  'scheduling.k8s.io/v1alpha2': 2,
  'storage.k8s.io/v1alpha1': 1,
};

/** Undefined: not built in. */
export function builtinPriority(group: string, version: string): Priority | undefined {
  const groupPriority = groups[group];
  if (groupPriority === undefined) return undefined;
  return { group: groupPriority, version: versions[`${group}/${version}`] ?? (/^v\d+$/.test(version) ? 15 : 9) };
}

/** Of the versions of custom resources: `rank` 0 is the most preferred of its group. */
export const customPriority = (rank: number): Priority => ({ group: 1000, version: Math.max(1, 100 - rank) });
