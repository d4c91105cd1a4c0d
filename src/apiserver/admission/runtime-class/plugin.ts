/** A pod with a RuntimeClass gets the overhead and the scheduling constraints of it. */
import type { Pod, PodSpec, Toleration } from '../../../apis/generated/types/core/v1.ts';
import type { RuntimeClass } from '../../../apis/generated/types/node.k8s.io/v1.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore, refuse } from '../refuse.ts';

export class RuntimeClassAdmission implements AdmissionPlugin {
  readonly name = 'RuntimeClass';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const spec = (attributes.object as Pod).spec!;
    const runtimeClass = this.#classOf(attributes, spec);
    if (!runtimeClass) return;
    const { overhead, scheduling } = runtimeClass;
    if (overhead) {
      if (Object.keys(spec.overhead ?? {}).length > 0 && !semanticEqual(spec.overhead, overhead.podFixed))
        throw refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      if (overhead.podFixed) spec.overhead = { ...overhead.podFixed };
    }
    for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
      const own = spec.nodeSelector?.[key];
      if (own !== undefined && own !== value)
        throw refuse(
          attributes,
          `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
        );
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    if (scheduling?.tolerations) spec.tolerations = merged(spec.tolerations ?? [], scheduling.tolerations);
  }

  validate(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const spec = (attributes.object as Pod).spec!;
    const overhead = this.#classOf(attributes, spec)?.overhead;
    if (overhead && !semanticEqual(overhead.podFixed ?? {}, spec.overhead ?? {}))
      throw refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    if (!overhead && spec.overhead)
      throw refuse(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  }

  #classOf(attributes: Attributes, { runtimeClassName }: PodSpec): RuntimeClass | undefined {
    if (runtimeClassName === undefined) return undefined;
    const found = this.#lookup().get<RuntimeClass>('node.k8s.io', 'runtimeclasses', '', runtimeClassName);
    if (!found) throw refuse(attributes, `pod rejected: RuntimeClass "${runtimeClassName}" not found`);
    return found;
  }
}

/** Those of the class that the pod does not have already. */
function merged(own: readonly Toleration[], more: readonly Toleration[]): Toleration[] {
  const all = [...own];
  for (const toleration of more)
    if (!all.some((other) => semanticEqual(other, toleration))) all.push({ ...toleration });
  return all;
}
