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

/** The object as it is to be written: a whole one, since the default roles allow these controllers no patch. */
export function withProtection<T extends KubeObject>(
  object: DeepReadonly<T>,
  finalizer: string,
  step: ProtectionStep,
): T {
  const { finalizers = [] } = object.metadata;
  const wanted = step === 'protect' ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer);
  return { ...(object as T), metadata: { ...(object as T).metadata, finalizers: wanted } };
}
