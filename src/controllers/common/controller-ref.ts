import type { DeepReadonly, KubeObject, OwnerReference } from '../../machinery/meta/object.ts';

type Owned = DeepReadonly<KubeObject>;

/** The owner that manages the object, of which there is at most one. */
export function controllerOf(object: Owned): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller);
}

export function isControlledBy(object: Owned, owner: Owned): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference by which `owner` manages an object; it holds up the owner's foreground deletion. */
export function newControllerRef(owner: Owned, apiVersion: string, kind: string): OwnerReference {
  return {
    apiVersion,
    kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether a reference is to this kind, in any version of its group. */
export function refersTo(owner: DeepReadonly<OwnerReference>, group: string, kind: string): boolean {
  const slash = owner.apiVersion.indexOf('/');
  return owner.kind === kind && (slash < 0 ? '' : owner.apiVersion.slice(0, slash)) === group;
}

/** An informer's index of controllers: by the UID of the controller, orphans by `orphan/<namespace>`. */
export function controllerIndex(object: Owned): readonly string[] {
  const controller = controllerOf(object);
  return [controller ? controller.uid : orphanKey(object.metadata.namespace)];
}

export const orphanKey = (namespace: string | undefined): string => `orphan/${namespace ?? ''}`;

/** The name under which that index is added. */
export const byController = 'byController';
