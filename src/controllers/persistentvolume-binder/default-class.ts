/** The class that claims without one are given, also when it became the default only after them. Pure. */
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

/** Of several the newest; of equally new ones the first by name. */
export function defaultStorageClass(classes: readonly DeepReadonly<StorageClass>[]): string | undefined {
  let best: { readonly made: string; readonly name: string } | undefined;
  for (const { metadata } of classes) {
    if (!marks.some((mark) => metadata.annotations?.[mark] === 'true')) continue;
    const made = metadata.creationTimestamp ?? '';
    const name = metadata.name ?? '';
    if (best === undefined || made > best.made || (made === best.made && name < best.name)) best = { made, name };
  }
  return best?.name;
}
