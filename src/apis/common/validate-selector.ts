/** LabelSelector objects as fields (apimachinery apis/meta/v1/validation). */
import type { LabelSelectorObject } from '../../machinery/selectors/labels.ts';
import { type FieldError, forbidden, invalid, required } from '../../machinery/validation/field-error.ts';
import { isLabelValue } from '../../machinery/validation/formats.ts';
import { validateLabelName, validateLabels } from '../../machinery/validation/object-meta.ts';

/** An absent selector is fine. */
export function validateLabelSelector(selector: LabelSelectorObject | undefined | null, field: string): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [i, { key, operator, values }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (!values?.length)
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values?.length)
        errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    errors.push(...validateLabelName(key, `${at}.key`));
    for (const [j, value] of (values ?? []).entries())
      errors.push(...isLabelValue(value).map((message) => invalid(`${at}.values[${j}]`, value, message)));
  }
  return errors;
}
