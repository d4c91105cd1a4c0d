/** What a namespace's LimitRanges say of resources: defaults are filled in, bounds are kept. */
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  Pod,
  ResourceRequirements,
} from '../../../apis/generated/types/core/v1.ts';
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore, refuse } from '../refuse.ts';

type Amounts = Record<string, string>;
const annotation = 'kubernetes.io/limit-ranger';

export class LimitRanger implements AdmissionPlugin {
  readonly name = 'LimitRanger';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const pod = attributes.object as Pod;
    const done: string[] = [];
    for (const item of this.#items(attributes.namespace, 'Container')) {
      for (const container of pod.spec?.containers ?? []) fillIn(container, item, 'container', done);
      for (const container of pod.spec?.initContainers ?? []) fillIn(container, item, 'init container', done);
    }
    if (done.length > 0) {
      pod.metadata.annotations ??= {};
      pod.metadata.annotations[annotation] = `LimitRanger plugin set: ${done.join('; ')}`;
    }
  }

  validate(attributes: Attributes): void {
    const errors: string[] = [];
    if (isCore(attributes, 'pods')) {
      const pod = attributes.object as Pod;
      const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
      for (const item of this.#items(attributes.namespace, 'Container'))
        for (const container of containers) check(item, container.resources ?? {}, errors);
      for (const item of this.#items(attributes.namespace, 'Pod')) check(item, podTotal(pod), errors);
    } else if (isCore(attributes, 'persistentvolumeclaims')) {
      const claim = attributes.object as unknown as { spec?: { resources?: ResourceRequirements } };
      for (const item of this.#items(attributes.namespace, 'PersistentVolumeClaim'))
        check(item, { requests: claim.spec?.resources?.requests ?? {} }, errors);
    }
    if (errors.length > 0) throw refuse(attributes, errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`);
  }

  #items(namespace: string, type: string): LimitRangeItem[] {
    return this.#lookup()
      .list<LimitRange>('', 'limitranges', namespace)
      .flatMap((range) => (range.spec?.limits ?? []).filter((item) => item.type === type) as LimitRangeItem[]);
  }
}

function fillIn(container: Container, item: LimitRangeItem, what: string, done: string[]): void {
  const resources = (container.resources ??= {});
  for (const [part, defaults, word] of [
    ['requests', item.defaultRequest, 'request'],
    ['limits', item.default, 'limit'],
  ] as const) {
    const set = Object.keys(defaults ?? {}).filter((name) => resources[part]?.[name] === undefined);
    if (set.length === 0) continue;
    const amounts: Amounts = (resources[part] ??= {});
    for (const name of set) amounts[name] = defaults![name]!;
    done.push(`${set.sort().join(', ')} ${word} for ${what} ${container.name}`);
  }
}

const amount = (list: Amounts | undefined, name: string): Quantity | undefined =>
  list?.[name] === undefined ? undefined : Quantity.tryParse(list[name]);

function check(item: LimitRangeItem, resources: ResourceRequirements, errors: string[]): void {
  const { requests, limits } = resources;
  for (const [name, text] of Object.entries(item.min ?? {})) {
    const min = Quantity.parse(text);
    const request = amount(requests, name);
    const limit = amount(limits, name);
    if (request === undefined)
      errors.push(`minimum ${name} usage per ${item.type} is ${text}.  No request is specified`);
    else if (request.compare(min) < 0)
      errors.push(`minimum ${name} usage per ${item.type} is ${text}, but request is ${requests![name]}`);
    else if (limit !== undefined && limit.compare(min) < 0)
      errors.push(`minimum ${name} usage per ${item.type} is ${text}, but limit is ${limits![name]}`);
  }
  for (const [name, text] of Object.entries(item.max ?? {})) {
    const max = Quantity.parse(text);
    const request = amount(requests, name);
    const limit = item.type === 'PersistentVolumeClaim' ? request : amount(limits, name);
    if (limit === undefined) errors.push(`maximum ${name} usage per ${item.type} is ${text}.  No limit is specified`);
    else if (limit.compare(max) > 0)
      errors.push(`maximum ${name} usage per ${item.type} is ${text}, but limit is ${(limits ?? requests)![name]}`);
    else if (request !== undefined && request.compare(max) > 0)
      errors.push(`maximum ${name} usage per ${item.type} is ${text}, but request is ${requests![name]}`);
  }
  for (const [name, text] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    const request = amount(requests, name);
    const limit = amount(limits, name);
    if (request === undefined || request.isZero())
      errors.push(
        `${name} max limit to request ratio per ${item.type} is ${text}, but no request is specified or request is 0`,
      );
    else if (limit === undefined || limit.isZero())
      errors.push(
        `${name} max limit to request ratio per ${item.type} is ${text}, but no limit is specified or limit is 0`,
      );
    else if (limit.toNumber() / request.toNumber() > Quantity.parse(text).toNumber())
      errors.push(
        `${name} max limit to request ratio per ${item.type} is ${text}, but provided ratio is ${(limit.toNumber() / request.toNumber()).toFixed(6)}`,
      );
  }
}

/** Of all containers together; init containers run one after another, so the largest of them counts. */
function podTotal(pod: Pod): ResourceRequirements {
  const total = (part: 'requests' | 'limits'): Amounts => {
    const sums = new Map<string, Quantity>();
    const containers = pod.spec?.containers ?? [];
    for (const container of containers)
      for (const [name, text] of Object.entries(container.resources?.[part] ?? {}))
        sums.set(name, (sums.get(name) ?? Quantity.zero).add(Quantity.parse(text)));
    for (const container of pod.spec?.initContainers ?? [])
      for (const [name, text] of Object.entries(container.resources?.[part] ?? {})) {
        const q = Quantity.parse(text);
        if ((sums.get(name) ?? Quantity.zero).compare(q) < 0) sums.set(name, q);
      }
    return Object.fromEntries([...sums].map(([name, q]) => [name, q.toString()]));
  };
  return { requests: total('requests'), limits: total('limits') };
}
