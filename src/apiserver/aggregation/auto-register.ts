/**
 * APIServices of what this server itself serves: the built-in groups once at start, those of custom resources as these
 * come and go. An APIService that somebody else made for the same version is left alone.
 */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import { isAlreadyExists, isNotFound } from '../../machinery/status/is.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Loopback } from '../bootstrap/loopback.ts';
import { servedGroups } from '../discovery/legacy.ts';
import type { Resource } from '../registry/resource.ts';
import { apiServiceName, apiServices } from './api-service.ts';
import { builtinPriority, customPriority } from './priorities.ts';

const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';

/** `onstart`: made once, whoever deletes it may. `true`: kept as it must be. */
type Managed = 'onstart' | 'true';

/** Makes what is missing and removes what is served no more. `atStart`: the built-in ones too. */
export async function registerApiServices(
  loopback: Loopback,
  existing: readonly APIService[],
  resources: readonly Resource[],
  atStart: boolean,
): Promise<void> {
  const byName = new Map(existing.map((service) => [service.metadata.name!, service]));
  const wanted = new Map(wantedServices(resources).map((service) => [service.metadata.name!, service]));
  const work: Promise<void>[] = [];
  for (const [name, service] of wanted) {
    const managed = service.metadata.labels![managedLabel] as Managed;
    if (!byName.has(name) && (atStart || managed === 'true')) work.push(create(loopback, service));
  }
  for (const [name, service] of byName)
    if (service.metadata.labels?.[managedLabel] === 'true' && !wanted.has(name)) work.push(remove(loopback, name));
  await Promise.all(work);
}

function wantedServices(resources: readonly Resource[]): APIService[] {
  const registrable = servedGroups(resources).filter(({ group }) => group !== apiServices.group);
  return registrable.flatMap(({ group, versions }) =>
    versions.map((version, rank): APIService => {
      const builtin = builtinPriority(group, version);
      const priority = builtin ?? customPriority(rank);
      return {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: {
          name: apiServiceName(group, version),
          labels: { [managedLabel]: builtin === undefined ? 'true' : 'onstart' },
        },
        spec: { group, version, groupPriorityMinimum: priority.group, versionPriority: priority.version },
      };
    }),
  );
}

async function create(loopback: Loopback, service: APIService): Promise<void> {
  try {
    await loopback.create(apiServices, service as KubeObject);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

async function remove(loopback: Loopback, name: string): Promise<void> {
  try {
    await loopback.delete(apiServices, undefined, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
