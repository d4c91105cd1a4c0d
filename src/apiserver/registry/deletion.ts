/**
 * What a DELETE does to an object: remove it, mark it, or nothing more. Pure (apiserver registry/rest BeforeDelete and
 * registry/generic deletionFinalizersForGarbageCollection).
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Resource } from './resource.ts';
import { timeText } from '../../machinery/meta/time.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

export type DeletionPlan =
  /** `object`: how it is told of, where its end shows in it. */
  | { readonly action: 'remove'; readonly object?: KubeObject }
  /** Store `object`: it is terminating now, or for a shorter time. */
  | { readonly action: 'mark'; readonly object: KubeObject }
  /** It is terminating already, and this changes nothing. */
  | { readonly action: 'pending' };

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/** `object` is the caller's own and may be changed. */
export function planDeletion(
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): DeletionPlan {
  if (isNamespace(resource)) return planNamespaceDeletion(object, options, nowMs);
  if (isDefinition(resource) && !object.metadata.deletionTimestamp) return planDefinitionDeletion(object, nowMs);
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  const grace = planGrace(resource, object, options, nowMs);
  if (grace === 'pending') return { action: 'pending' };
  const finalizersChanged = setGarbageCollectionFinalizers(object, options, resource.kindInfo.defaultPropagation);
  const hasFinalizers = (object.metadata.finalizers?.length ?? 0) > 0;
  if (grace === 'immediate') {
    if (!hasFinalizers) return { action: 'remove', object };
    if (deletionTimestamp !== undefined && !finalizersChanged && deletionGracePeriodSeconds === 0)
      return { action: 'pending' };
    markTerminating(object, nowMs, 0);
    return { action: 'mark', object };
  }
  return { action: 'mark', object };
}

/** Whether an update leaves nothing that holds a terminating object back. */
export function shouldRemoveOnUpdate(resource: Resource, object: KubeObject, old: KubeObject): boolean {
  if (!object.metadata.deletionTimestamp || (object.metadata.finalizers?.length ?? 0) > 0) return false;
  if (isNamespace(resource) && namespaceFinalizers(object).length > 0) return false;
  // A pod in its grace is the kubelet's to remove, finalizers or not.
  return !((old.metadata.deletionGracePeriodSeconds ?? 0) > 0);
}

/** Sets grace and timestamp. `immediate`: grace does not hold the object back; `graceful`: it was marked. */
function planGrace(
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): 'immediate' | 'graceful' | 'pending' {
  const graceful = resource.kindInfo.gracefulDelete;
  if (!graceful) return 'immediate';
  const { metadata } = object;
  if (metadata.deletionTimestamp) {
    const current = metadata.deletionGracePeriodSeconds ?? 0;
    if (current === 0) return 'immediate';
    const asked = options.gracePeriodSeconds;
    if (asked === undefined || asked >= current) return 'pending';
    const startMs = Date.parse(metadata.deletionTimestamp) - current * 1000;
    if (asked <= 0) return 'immediate';
    metadata.deletionTimestamp = timeText(startMs + asked * 1000);
    metadata.deletionGracePeriodSeconds = asked;
    return 'graceful';
  }
  const seconds = graceful.gracePeriodSeconds(object, options.gracePeriodSeconds);
  markTerminating(object, nowMs, Math.max(0, seconds));
  return seconds <= 0 ? 'immediate' : 'graceful';
}

function markTerminating(object: KubeObject, nowMs: number, graceSeconds: number): void {
  const { metadata } = object;
  if (!metadata.deletionTimestamp && (metadata.generation ?? 0) > 0)
    metadata.generation = Number(metadata.generation) + 1;
  if (!metadata.deletionTimestamp || Date.parse(metadata.deletionTimestamp) > nowMs)
    metadata.deletionTimestamp = timeText(nowMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
}

/** Puts or takes away the two finalizers by which the garbage collector is asked. True when something changed. */
function setGarbageCollectionFinalizers(object: KubeObject, options: DeleteOptions, byDefault?: 'Orphan'): boolean {
  const before = object.metadata.finalizers ?? [];
  const { propagationPolicy: policy, orphanDependents: legacy } = options;
  let orphan = before.includes(orphanFinalizer);
  let foreground = before.includes(foregroundFinalizer);
  if (legacy !== undefined) {
    orphan = legacy;
    foreground = false;
  } else if (policy !== undefined) {
    orphan = policy === 'Orphan';
    foreground = policy === 'Foreground';
  } else if (!orphan && !foreground) orphan = byDefault === 'Orphan';
  const after = before.filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer);
  if (orphan) after.push(orphanFinalizer);
  if (foreground) after.push(foregroundFinalizer);
  if (after.length === before.length && after.every((f) => before.includes(f))) return false;
  if (after.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = after;
  return true;
}

/** Whose DELETE begins what their controllers finish. */
export const isDeletedInSteps = (resource: Resource): boolean => isNamespace(resource) || isDefinition(resource);

const isDefinition = (resource: Resource) =>
  resource.group === 'apiextensions.k8s.io' && resource.kind === 'CustomResourceDefinition';

const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

interface Definition extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** A CustomResourceDefinition waits for its instances to be deleted. */
function planDefinitionDeletion(object: Definition, nowMs: number): DeletionPlan {
  const { generation } = object.metadata;
  markTerminating(object, nowMs, 0);
  delete object.metadata.deletionGracePeriodSeconds;
  if (generation !== undefined) object.metadata.generation = generation;
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(cleanupFinalizer)) object.metadata.finalizers = [...finalizers, cleanupFinalizer];
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: timeText(nowMs),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const others = object.status?.conditions?.filter((one) => one.type !== 'Terminating') ?? [];
  object.status = { ...object.status, conditions: [...others, condition] };
  return { action: 'mark', object };
}

const isNamespace = (resource: Resource) => resource.group === '' && resource.kind === 'Namespace';

interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

const namespaceFinalizers = (object: KubeObject) => (object as Namespace).spec?.finalizers ?? [];

/** The first DELETE starts the termination; one that comes when nothing is left removes the namespace. */
function planNamespaceDeletion(object: KubeObject, options: DeleteOptions, nowMs: number): DeletionPlan {
  if (!object.metadata.deletionTimestamp) {
    object.metadata.deletionTimestamp = timeText(nowMs);
    (object as Namespace).status = { ...(object as Namespace).status, phase: 'Terminating' };
    setGarbageCollectionFinalizers(object, options);
    return { action: 'mark', object };
  }
  if (namespaceFinalizers(object).length > 0 || (object.metadata.finalizers?.length ?? 0) > 0)
    return { action: 'pending' };
  return { action: 'remove' };
}
