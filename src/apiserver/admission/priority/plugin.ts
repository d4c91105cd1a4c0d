/** Turns a pod's priorityClassName into its priority. */
import type { Pod } from '../../../apis/generated/types/core/v1.ts';
import type { PriorityClass } from '../../../apis/generated/types/scheduling.k8s.io/v1.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore, refuse } from '../refuse.ts';

const defaultPreemption = 'PreemptLowerPriority';

/** Known even while the cluster still makes its own objects. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

interface Computed {
  readonly className: string;
  readonly priority: number;
  readonly preemptionPolicy: string;
}

export class Priority implements AdmissionPlugin {
  readonly name = 'Priority';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE' || operation === 'UPDATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const spec = (attributes.object as Pod).spec!;
    if (attributes.operation === 'UPDATE') {
      // Immutable: who leaves them out means what is stored.
      const old = (attributes.oldObject as Pod).spec!;
      if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
      if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined)
        spec.preemptionPolicy = old.preemptionPolicy;
      return;
    }
    const { className, priority, preemptionPolicy } = this.#compute(attributes, spec.priorityClassName ?? '');
    if (spec.priority !== undefined && spec.priority !== priority)
      throw refuse(
        attributes,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
      );
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
      throw refuse(
        attributes,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    if (className !== '') spec.priorityClassName = className;
    spec.priority = priority;
    spec.preemptionPolicy = preemptionPolicy;
  }

  validate(attributes: Attributes): void {
    if (attributes.group !== 'scheduling.k8s.io' || attributes.resource !== 'priorityclasses') return;
    const created = attributes.object as PriorityClass;
    if (!created.globalDefault) return;
    const other = this.#classes().find((c) => c.globalDefault && c.metadata.name !== created.metadata.name);
    if (other !== undefined)
      throw refuse(
        attributes,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      );
  }

  #classes(): readonly PriorityClass[] {
    return this.#lookup().list<PriorityClass>('scheduling.k8s.io', 'priorityclasses');
  }

  #compute(attributes: Attributes, name: string): Computed {
    if (name === '') {
      // Of several defaults, which a race can make, the lowest.
      const defaults = this.#classes().filter((c) => c.globalDefault);
      const lowest = defaults.reduce<PriorityClass | undefined>(
        (a, b) => (a && (a.value ?? 0) <= (b.value ?? 0) ? a : b),
        undefined,
      );
      if (lowest === undefined) return { className: '', priority: 0, preemptionPolicy: defaultPreemption };
      return {
        className: lowest.metadata.name ?? '',
        priority: lowest.value ?? 0,
        preemptionPolicy: lowest.preemptionPolicy || defaultPreemption,
      };
    }
    const found = this.#lookup().get<PriorityClass>('scheduling.k8s.io', 'priorityclasses', '', name);
    const value = found?.value ?? systemClasses[name];
    if (value === undefined) throw refuse(attributes, `no PriorityClass with name ${name} was found`);
    return { className: name, priority: value, preemptionPolicy: found?.preemptionPolicy || defaultPreemption };
  }
}
