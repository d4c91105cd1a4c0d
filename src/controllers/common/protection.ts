/** Objects in use are deleted later: a finalizer holds them from the start, and is taken off once nobody needs them. */
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';

export type ProtectionStep = 'nothing' | 'protect' | 'release';

export function planProtection(
  object: DeepReadonly<KubeObject>,
  finalizer: string,
  isUsed: () => boolean,
): ProtectionStep {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const isProtected = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) return isProtected ? 'nothing' : 'protect';
  return isProtected && !isUsed() ? 'release' : 'nothing';
}

/** The strategic merge patch that does it. The UID keeps it off another object of the name. */
export function protectionPatch(object: DeepReadonly<KubeObject>, finalizer: string, step: ProtectionStep): unknown {
  const { uid } = object.metadata;
  return step === 'protect'
    ? { metadata: { uid, finalizers: [finalizer] } }
    : { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [finalizer] } };
}
