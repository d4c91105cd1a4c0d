import { isCidr } from '../../../machinery/net/ip.ts';
import {
  type FieldError,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../machinery/validation/field-error.ts';
import { isLabelValue } from '../../../machinery/validation/formats.ts';
import { validateLabelName } from '../../../machinery/validation/object-meta.ts';
import { changedFields } from '../../../machinery/validation/checks.ts';
import type { Node, Taint } from '../../generated/types/core/v1.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateNode(node: Node): FieldError[] {
  const spec = node.spec ?? {};
  const errors = validateTaints(spec.taints ?? [], 'metadata.taints');
  for (const [i, cidr] of (spec.podCIDRs ?? []).entries())
    if (!isCidr(cidr))
      errors.push(
        invalid(`spec.podCIDRs[${i}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
      );
  return errors;
}

function validateTaints(taints: readonly Taint[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const at = `${field}[${i}]`;
    errors.push(...validateLabelName(taint.key, `${at}.key`));
    const messages = isLabelValue(taint.value ?? '');
    if (messages.length > 0) errors.push(invalid(`${at}.value`, taint.value, messages.join(';')));
    if (!taint.effect) errors.push(required(`${at}.effect`));
    else if (!effects.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, effects));
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key))
      errors.push({
        ...duplicate(at, taint),
        body: `${duplicate(at, taint).body}: taints must be unique by key and effect pair`,
      });
    seen.add(key);
  }
  return errors;
}

/** Its range of addresses and its name at the provider are given once. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors = validateNode(node);
  const spec = node.spec ?? {};
  const before = old.spec ?? {};
  if (before.podCIDRs?.length && before.podCIDRs.join() !== (spec.podCIDRs ?? []).join())
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  if (before.providerID && before.providerID !== spec.providerID)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  const mutable = new Set([
    'podCIDR',
    'podCIDRs',
    'providerID',
    'taints',
    'unschedulable',
    'configSource',
    'externalID',
  ]);
  if (changedFields(spec, before).some((field) => !mutable.has(field)))
    errors.push(
      forbidden(
        '',
        'node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)',
      ),
    );
  return errors;
}
