/**
 * Managed fields of the `scale` sub-resource: whoever manages the replicas of an object manages the replicas of its
 * Scale, and the other way round.
 */
import { difference, has, isEmpty, setOf } from './field-set.ts';
import { type Manager, managerId, type Managers } from './managers.ts';

const scaleVersion = 'autoscaling/v1';
const scaleReplicas: readonly string[] = ['f:spec', 'f:replicas'];

/** Where replicas are, by apiVersion of the kind; undefined: that version's are not known. */
export type ReplicasPath = (apiVersion: string) => readonly string[] | undefined;

export function scaleManagers(parent: Managers, replicas: ReplicasPath): Managers {
  const managers: Managers = new Map();
  for (const manager of parent.values()) {
    const path = replicas(manager.apiVersion);
    if (path && has(manager.fields, path))
      managers.set(scaleIdOf(manager), { ...manager, apiVersion: scaleVersion, fields: setOf(scaleReplicas) });
  }
  return managers;
}

/** The parent's managers after its Scale was written. `apiVersion`: the parent's, as served. */
export function parentManagers(
  parent: Managers,
  scale: Managers,
  apiVersion: string,
  replicas: ReplicasPath,
): Managers {
  const managers: Managers = new Map();
  const taken = new Set<string>();
  for (const [id, manager] of parent) {
    const path = replicas(manager.apiVersion);
    if (!path) continue;
    if (!has(manager.fields, path)) managers.set(id, manager);
    else if (scale.has(scaleIdOf(manager))) {
      managers.set(id, manager);
      taken.add(scaleIdOf(manager));
    } else {
      const fields = difference(manager.fields, setOf(path));
      if (!isEmpty(fields)) managers.set(id, { ...manager, fields });
    }
  }
  for (const [id, manager] of scale) {
    if (taken.has(id) || !has(manager.fields, scaleReplicas)) continue;
    const moved: Manager = { ...manager, apiVersion, fields: setOf(replicas(apiVersion)!) };
    const movedId = managerId(moved);
    // Upstream knows the time only of those who were managers of the parent before.
    managers.set(movedId, { ...moved, time: parent.get(movedId)?.time });
  }
  return managers;
}

const scaleIdOf = (manager: Manager): string => managerId({ ...manager, apiVersion: scaleVersion });
