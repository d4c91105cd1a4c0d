/** Where a pod may run: tolerations, node selection, affinity, spreading. */
import { validateLabelName, validateLabels } from '../../../../machinery/validation/object-meta.ts';
import {
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../../machinery/validation/field-error.ts';
import { isLabelValue, isQualifiedName, nameIsDnsLabel } from '../../../../machinery/validation/formats.ts';
import { validateLabelSelector } from '../../../common/validate-selector.ts';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Toleration,
} from '../../../generated/types/core/v1.ts';

export function validateScheduling(spec: PodSpec, field: string): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...(spec.tolerations ?? []).flatMap((t, i) => validateToleration(t, `${field}.tolerations[${i}]`)),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateSpread(spec, `${field}.topologySpreadConstraints`),
    ...validateGates(spec, `${field}.schedulingGates`),
  ];
}

export function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  const errors = key ? validateLabelName(key, `${field}.key`) : [];
  if (!key && operator !== 'Exists')
    errors.push(
      invalid(
        `${field}.operator`,
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    errors.push(invalid(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  if (!operator || operator === 'Equal') {
    const messages = isLabelValue(value ?? '');
    if (messages.length > 0) errors.push(invalid(`${field}.operator`, value, messages.join(';')));
  } else if (operator === 'Exists') {
    if (value) errors.push(invalid(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  } else if (operator !== 'Lt' && operator !== 'Gt')
    errors.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  return errors;
}

function validateAffinity(affinity: Affinity | undefined, field: string): FieldError[] {
  if (!affinity) return [];
  const errors: FieldError[] = [];
  const node = affinity.nodeAffinity;
  const at = `${field}.nodeAffinity`;
  if (node?.requiredDuringSchedulingIgnoredDuringExecution)
    errors.push(
      ...validateNodeSelector(
        node.requiredDuringSchedulingIgnoredDuringExecution,
        `${at}.requiredDuringSchedulingIgnoredDuringExecution`,
      ),
    );
  for (const [i, term] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const here = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    if (term.weight <= 0 || term.weight > 100)
      errors.push(invalid(`${here}.weight`, term.weight, 'must be in the range 1-100'));
    errors.push(...validateNodeTerm(term.preference, `${here}.preference`));
  }
  for (const part of ['podAffinity', 'podAntiAffinity'] as const) {
    const own = affinity[part];
    for (const [i, term] of (own?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      errors.push(...validatePodTerm(term, `${field}.${part}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`));
    for (const [i, term] of (own?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const here = `${field}.${part}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      if (term.weight <= 0 || term.weight > 100)
        errors.push(invalid(`${here}.weight`, term.weight, 'must be in the range 1-100'));
      errors.push(...validatePodTerm(term.podAffinityTerm, `${here}.podAffinityTerm`));
    }
  }
  return errors;
}

function validateNodeSelector(selector: NodeSelector, field: string): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(`${field}.nodeSelectorTerms`, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeTerm(term, `${field}.nodeSelectorTerms[${i}]`));
}

function validateNodeTerm(term: NodeSelectorTerm, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, expression] of (term.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`;
    const count = expression.values?.length ?? 0;
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (count === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (count > 0)
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        break;
      case 'Gt':
      case 'Lt':
        if (count !== 1)
          errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        break;
      default:
        errors.push(invalid(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    }
    errors.push(...validateLabelName(expression.key, `${at}.key`));
  }
  for (const [i, expression] of (term.matchFields ?? []).entries()) {
    const at = `${field}.matchFields[${i}]`;
    if (expression.operator !== 'In' && expression.operator !== 'NotIn')
      errors.push(invalid(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    else if (expression.values?.length !== 1)
      errors.push(
        required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      );
    if (expression.key !== 'metadata.name')
      errors.push(invalid(`${at}.key`, expression.key, 'not a valid field selector key'));
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, field: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(term.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${field}.namespaceSelector`),
    ...(term.namespaces ?? []).flatMap((name) =>
      nameIsDnsLabel(name, false).map((message) => invalid(`${field}.namespace`, name, message)),
    ),
  ];
  if (!term.topologyKey) errors.push(required(`${field}.topologyKey`, 'can not be empty'));
  else errors.push(...validateLabelName(term.topologyKey, `${field}.topologyKey`));
  return errors;
}

function validateSpread(spec: PodSpec, field: string): FieldError[] {
  return (spec.topologySpreadConstraints ?? []).flatMap((constraint, i) => {
    const at = `${field}[${i}]`;
    const errors: FieldError[] = [];
    if (!(constraint.maxSkew > 0))
      errors.push(invalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, 'must be greater than zero'));
    if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (constraint.minDomains !== undefined) {
      if (constraint.minDomains <= 0)
        errors.push(invalid(`${at}.minDomains`, constraint.minDomains, 'must be greater than zero'));
      if (constraint.whenUnsatisfiable !== 'DoNotSchedule')
        errors.push(
          invalid(
            `${at}.minDomains`,
            constraint.minDomains,
            'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
          ),
        );
    }
    return [...errors, ...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`)];
  });
}

function validateGates(spec: PodSpec, field: string): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, gate] of (spec.schedulingGates ?? []).entries()) {
    errors.push(...isQualifiedName(gate.name).map((message) => invalid(`${field}[${i}]`, gate.name, message)));
    if (seen.has(gate.name))
      errors.push({ type: 'FieldValueDuplicate', field: `${field}[${i}]`, body: `Duplicate value: "${gate.name}"` });
    seen.add(gate.name);
  }
  return errors;
}
