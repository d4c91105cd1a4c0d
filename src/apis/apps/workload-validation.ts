/** What Deployments, ReplicaSets and their kin check alike. */
import {
  type LabelSelector,
  type LabelSelectorObject,
  SelectorError,
  selectorFromObject,
} from '../../machinery/selectors/labels.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from '../../machinery/validation/field-error.ts';
import { isPercent } from '../../machinery/validation/formats.ts';
import { nonNegative } from '../../machinery/validation/checks.ts';
import { validateLabelSelector } from '../common/validate-selector.ts';
import { validatePodTemplate } from '../core/pod/validation/spec.ts';
import type { PodTemplateSpec } from '../generated/types/core/v1.ts';

/** A selector that selects something, and the template's pods among it. `kind` as upstream's message names it. */
export function validateSelectorAndTemplate(
  selector: LabelSelectorObject | undefined,
  template: PodTemplateSpec | undefined,
  kind: string,
  otherVolumes: readonly string[] = [],
): FieldError[] {
  const errors: FieldError[] = [];
  if (selector === undefined) errors.push(required('spec.selector'), ...validateMatch(selector, template));
  else {
    errors.push(...validateLabelSelector(selector, 'spec.selector'));
    if (!selector.matchExpressions?.length && Object.keys(selector.matchLabels ?? {}).length === 0)
      errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind}`));
    errors.push(...validateMatch(selector, template));
  }
  return [...errors, ...validatePodTemplate(template, 'spec.template', otherVolumes)];
}

/** No selector matches nothing; an empty one, which is refused elsewhere, everything. */
function validateMatch(selector: LabelSelectorObject | undefined, template: PodTemplateSpec | undefined): FieldError[] {
  let parsed: LabelSelector;
  try {
    parsed = selectorFromObject(selector);
  } catch (error) {
    if (error instanceof SelectorError) return [invalid('spec.selector', selector, 'invalid label selector')];
    throw error;
  }
  const labels = template?.metadata?.labels;
  if (parsed.empty || parsed.matches(labels)) return [];
  const message = '`selector` does not match template `labels`';
  return [invalid('spec.template.metadata.labels', labels ?? null, message)];
}

/** Pods that run for ever: they are started again, and have no deadline. */
export function validateLongRunning(template: PodTemplateSpec | undefined, kind: string): FieldError[] {
  const errors: FieldError[] = [];
  const policy = template?.spec?.restartPolicy;
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`),
    );
  return errors;
}

/** A number, or a percentage. */
export function validateIntOrPercent(value: number | string | undefined, field: string): FieldError[] {
  if (typeof value === 'string') return isPercent(value).map((message) => invalid(field, value, message));
  return nonNegative(value, field);
}

/** The number, or what the percentage of `total` is, rounded up or down. */
export function scaledIntOrPercent(value: number | string | undefined, total: number, up: boolean): number {
  if (typeof value !== 'string') return value ?? 0;
  const share = (Number.parseInt(value, 10) * total) / 100;
  return up ? Math.ceil(share) : Math.floor(share);
}

/** `100%` is the most there is to be unavailable. */
export function notMoreThanAll(value: number | string | undefined, field: string): FieldError[] {
  if (typeof value !== 'string' || isPercent(value).length > 0 || Number.parseInt(value, 10) <= 100) return [];
  return [invalid(field, value, 'must not be greater than 100%')];
}

export const isZero = (value: number | string | undefined): boolean =>
  typeof value === 'string' ? Number.parseInt(value, 10) === 0 : (value ?? 0) === 0;
