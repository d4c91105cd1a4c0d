/** `resize`: cpu and memory of containers change, and nothing that depends on how they were at first. */
import { semanticEqual } from '../../../../machinery/semantic-equal.ts';
import { type FieldError, forbidden, invalid } from '../../../../machinery/validation/field-error.ts';
import type { Container, Pod, PodSpec } from '../../../generated/types/core/v1.ts';
import { qosClassOf } from '../qos.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

const mirrorAnnotation = 'kubernetes.io/config.mirror';

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined)
    return [forbidden('', 'static pods cannot be resized')];
  if (old.spec?.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const errors: FieldError[] = [];
  const empty: PodSpec = { containers: [] };
  const qosClass = old.status?.qosClass ?? qosClassOf(old.spec ?? empty);
  if (qosClass !== qosClassOf(pod.spec ?? empty))
    errors.push(invalid('spec', qosClass, 'Pod QOS Class may not change as a result of resizing'));
  const running = old.status?.containerStatuses?.find((status) => status.state?.running);
  if (running && running.resources === undefined)
    errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  for (const list of ['initContainers', 'containers'] as const) {
    const before = old.spec?.[list] ?? [];
    for (const [i, container] of (pod.spec?.[list] ?? []).entries())
      if (before[i]) errors.push(...containerErrors(container, before[i], list, i));
  }
  return errors;
}

function containerErrors(container: Container, old: Container, list: string, i: number): FieldError[] {
  const errors: FieldError[] = [];
  const isInit = list === 'initContainers';
  if (isInit && old.restartPolicy !== 'Always')
    return semanticEqual(container.resources, old.resources)
      ? []
      : [forbidden('spec', 'resources for non-sidecar init containers are immutable')];
  for (const [part, word] of [
    ['requests', 'resource requests'],
    ['limits', 'resource limits'],
  ] as const)
    if (isRemoved(container.resources?.[part], old.resources?.[part]))
      errors.push(forbidden(`spec.${list}[${i}].resources.${part}`, `${word} cannot be removed`));
  const others = (['requests', 'limits'] as const).some(
    (part) => !semanticEqual(fixedOf(container.resources?.[part]), fixedOf(old.resources?.[part])),
  );
  if (others)
    errors.push(
      isInit
        ? forbidden(`spec.${list}[${i}]`, 'only cpu and memory resources for init or sidecar containers are mutable')
        : forbidden('spec', 'only cpu and memory resources are mutable'),
    );
  return errors;
}

const isRemoved = (amounts: Amounts, old: Amounts): boolean =>
  Object.keys(old ?? {}).some((name) => amounts?.[name] === undefined);

/** Amounts that stay as they are. */
const fixedOf = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));
