/** What of a pod may change after it was made. */
import { semanticEqual } from '../../../../machinery/semantic-equal.ts';
import { changedFields } from '../../../../machinery/validation/checks.ts';
import { type FieldError, forbidden, invalid } from '../../../../machinery/validation/field-error.ts';
import type { Container, Pod, PodSpec, Toleration } from '../../../generated/types/core/v1.ts';

const mayChange = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const spec = pod.spec!;
  const before = old.spec!;
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const)
    if ((spec[list]?.length ?? 0) !== (before[list]?.length ?? 0))
      return [forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
  errors.push(...validateDeadline(spec, before));
  errors.push(...validateTolerations(spec.tolerations ?? [], before.tolerations ?? []));
  for (const [i, gate] of (spec.schedulingGates ?? []).entries())
    if (!before.schedulingGates?.some((g) => g.name === gate.name))
      errors.push(
        forbidden(
          `spec.schedulingGates[${i}]`,
          `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
        ),
      );
  const changed = changedFields(withMutable(spec, before), before);
  if (changed.length > 0)
    errors.push(
      forbidden(
        'spec',
        `pod updates may not change fields other than ${mayChange}\n${diffText(changed, spec, before)}`,
      ),
    );
  return errors;
}

/** The new spec with everything that may change as it was before: what then still differs may not. */
function withMutable(spec: PodSpec, before: PodSpec): PodSpec {
  const out: PodSpec = { ...spec, containers: withImages(spec.containers, before.containers) };
  if (spec.initContainers) out.initContainers = withImages(spec.initContainers, before.initContainers ?? []);
  const restore: (keyof PodSpec)[] = ['activeDeadlineSeconds', 'tolerations'];
  if (spec.terminationGracePeriodSeconds === 1 && (before.terminationGracePeriodSeconds ?? 0) < 0)
    restore.push('terminationGracePeriodSeconds');
  if (before.schedulingGates?.length) {
    restore.push('schedulingGates');
    // A pod that waits may still be narrowed.
    if (narrows(spec.nodeSelector, before.nodeSelector)) restore.push('nodeSelector');
    if (before.affinity?.nodeAffinity === undefined) restore.push('affinity');
  }
  const target = out as unknown as Record<string, unknown>;
  for (const field of restore) {
    if (before[field] === undefined) delete target[field];
    else target[field] = before[field];
  }
  return out;
}

const withImages = (containers: readonly Container[], before: readonly Container[]): Container[] =>
  containers.map((container, i) => {
    const { image: _, ...rest } = container;
    const old = before[i]?.image;
    return old === undefined ? rest : { ...rest, image: old };
  });

const narrows = (selector: Record<string, string> | undefined, before: Record<string, string> | undefined) =>
  Object.entries(before ?? {}).every(([key, value]) => selector?.[key] === value);

function validateDeadline(spec: PodSpec, before: PodSpec): FieldError[] {
  const seconds = spec.activeDeadlineSeconds;
  const old = before.activeDeadlineSeconds;
  const field = 'spec.activeDeadlineSeconds';
  if (seconds === undefined)
    return old === undefined ? [] : [invalid(field, null, 'must not update from a positive integer to nil value')];
  if (old !== undefined && seconds > old)
    return [invalid(field, seconds, 'must be less than or equal to previous value')];
  return [];
}

/** All there were must be there still, but for their seconds. */
function validateTolerations(tolerations: readonly Toleration[], before: readonly Toleration[]): FieldError[] {
  const same = (a: Toleration, b: Toleration) => {
    const { tolerationSeconds: _a, ...x } = a;
    const { tolerationSeconds: _b, ...y } = b;
    return semanticEqual(x, y);
  };
  return before.every((old) => tolerations.some((t) => same(t, old)))
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function diffText(changed: readonly string[], spec: PodSpec, before: PodSpec): string {
  const show = (value: unknown) => (value === undefined ? 'unset' : JSON.stringify(value));
  return changed
    .map(
      (field) =>
        `- ${field}: ${show(before[field as keyof PodSpec])}\n+ ${field}: ${show(spec[field as keyof PodSpec])}`,
    )
    .join('\n');
}

/** `ephemeralcontainers`: containers are added, never changed or taken away. */
export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): FieldError[] {
  const containers = pod.spec?.ephemeralContainers ?? [];
  return (old.spec?.ephemeralContainers ?? []).flatMap((before) => {
    const now = containers.find((c) => c.name === before.name);
    if (now === undefined)
      return [
        forbidden('spec.ephemeralContainers', `existing ephemeral containers "${before.name}" may not be removed\n`),
      ];
    return semanticEqual(now, before)
      ? []
      : [forbidden('spec.ephemeralContainers', `existing ephemeral containers "${before.name}" may not be changed\n`)];
  });
}
