/** Amounts of resources: their names, their signs, and limits against requests. */
import { Quantity } from '../../../../machinery/quantity/quantity.ts';
import { type FieldError, invalid, required } from '../../../../machinery/validation/field-error.ts';
import { isQualifiedName } from '../../../../machinery/validation/formats.ts';
import { nonNegativeMessage } from '../../../../machinery/validation/checks.ts';
import type { ResourceRequirements } from '../../../generated/types/core/v1.ts';

const standardForContainers = new Set(['cpu', 'memory', 'ephemeral-storage']);
const isHugePages = (name: string) => name.startsWith('hugepages-');

/** Resources outside Kubernetes' own domain: devices and the like, in whole numbers. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.startsWith('requests.') && !/(^|\.)kubernetes\.io\//.test(name);
}

function validateName(name: string, field: string): FieldError[] {
  const errors = isQualifiedName(name).map((message) => invalid(field, name, message));
  if (errors.length > 0 || name.includes('/') || standardForContainers.has(name) || isHugePages(name)) return errors;
  return [invalid(field, name, 'must be a standard resource for containers')];
}

/** `field`: the list. */
export function validateAmount(name: string, text: string, field: string): FieldError[] {
  const at = `${field}[${name}]`;
  const quantity = Quantity.tryParse(text);
  if (quantity === undefined)
    return [
      invalid(at, text, `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`),
    ];
  if (quantity.sign < 0) return [invalid(at, text, nonNegativeMessage)];
  if ((isExtendedResource(name) || isHugePages(name)) && quantity.milliValue() % 1000n !== 0n)
    return [invalid(at, text, 'must be an integer')];
  return [];
}

export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { limits = {}, requests = {} } = resources ?? {};
  for (const [name, text] of Object.entries(limits))
    errors.push(...validateName(name, `${field}.limits`), ...validateAmount(name, text, `${field}.limits`));
  for (const [name, text] of Object.entries(requests)) {
    const at = `${field}.requests`;
    errors.push(...validateName(name, at), ...validateAmount(name, text, at));
    const request = Quantity.tryParse(text);
    const limitText = limits[name];
    const limit = limitText === undefined ? undefined : Quantity.tryParse(limitText);
    const exact = isExtendedResource(name) || isHugePages(name);
    if (exact && limitText === undefined)
      errors.push(required(`${field}.limits`, 'Limit must be set for non overcommitable resources'));
    if (request === undefined || limit === undefined) continue;
    if (exact && !request.equals(limit))
      errors.push(invalid(at, text, `must be equal to ${name} limit of ${limitText}`));
    else if (request.compare(limit) > 0)
      errors.push(invalid(at, text, `must be less than or equal to ${name} limit of ${limitText}`));
  }
  return errors;
}
