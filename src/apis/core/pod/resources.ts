/**
 * What a pod asks for as a whole: the larger of what its containers need together and of what any moment of its
 * initialisation needs; sidecars run beside both; pod-level amounts replace the sum; overhead comes on top. While a pod
 * is being resized, the largest of what is wished, allocated and in effect counts.
 */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { DeepReadonly } from '../../../machinery/meta/object.ts';
import type { Container, ContainerStatus, Pod } from '../../generated/types/core/v1.ts';

export type Amounts = Map<string, Quantity>;
type List = Readonly<Record<string, string>> | undefined;
type ReadonlyContainer = DeepReadonly<Container>;
type ReadonlyStatus = DeepReadonly<ContainerStatus>;

export const amountsOf = (list: List): Amounts =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));

export function podRequests(pod: DeepReadonly<Pod>): Amounts {
  return total(pod, 'requests', (status) => status?.allocatedResources);
}

export function podLimits(pod: DeepReadonly<Pod>): Amounts {
  return total(pod, 'limits', () => undefined);
}

function total(
  pod: DeepReadonly<Pod>,
  which: 'requests' | 'limits',
  allocated: (status: ReadonlyStatus | undefined) => List,
): Amounts {
  const statuses = new Map<string, ReadonlyStatus>();
  for (const s of pod.status?.containerStatuses ?? []) statuses.set(s.name, s);
  for (const s of pod.status?.initContainerStatuses ?? []) statuses.set(s.name, s);
  const ofContainer = (container: ReadonlyContainer): Amounts => {
    const amounts = amountsOf(container.resources?.[which]);
    const status = statuses.get(container.name);
    raise(amounts, amountsOf(allocated(status)));
    raise(amounts, amountsOf(status?.resources?.[which]));
    return amounts;
  };
  const sum: Amounts = new Map();
  for (const container of pod.spec?.containers ?? []) add(sum, ofContainer(container));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const amounts = ofContainer(container);
    if (container.restartPolicy === 'Always') {
      add(sum, amounts);
      add(sidecars, amounts);
      raise(peak, sidecars);
    } else {
      add(amounts, sidecars);
      raise(peak, amounts);
    }
  }
  raise(sum, peak);
  for (const [name, amount] of amountsOf(pod.spec?.resources?.[which]))
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) sum.set(name, amount);
  // Overhead limits nothing that has no limit.
  for (const [name, amount] of amountsOf(pod.spec?.overhead))
    if (which === 'requests' || sum.has(name)) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

export function add(to: Amounts, more: Amounts): void {
  for (const [name, amount] of more) to.set(name, to.get(name)?.add(amount) ?? amount);
}

function raise(to: Amounts, other: Amounts): void {
  for (const [name, amount] of other) {
    const before = to.get(name);
    if (before === undefined || before.compare(amount) < 0) to.set(name, amount);
  }
}
