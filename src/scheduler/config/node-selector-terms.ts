import type { NodeSelectorTerm } from '../framework/objects.ts';
import { type FieldError, invalid, notSupported, required } from '../../machinery/validation/field-error.ts';
import { validateLabelName } from '../../machinery/validation/object-meta.ts';

const operators = ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'];

/** What the terms of an added node affinity must be, for the matcher to make sense of them. */
export function validateNodeSelectorTerms(
  terms: readonly NodeSelectorTerm[],
  pathOf: (i: number) => string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [t, term] of terms.entries())
    for (const list of ['matchExpressions', 'matchFields'] as const)
      for (const [i, { key, operator, values = [] }] of (term[list] ?? []).entries()) {
        const at = `${pathOf(t)}.${list}[${i}]`;
        if (!operators.includes(operator)) errors.push(notSupported(`${at}.operator`, operator, operators));
        else if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
          errors.push(required(`${at}.values`, `for 'in', 'notin' operators, values set can't be empty`));
        else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
          errors.push(invalid(`${at}.values`, values, 'values set must be empty for exists and does not exist'));
        else if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1)
          errors.push(invalid(`${at}.values`, values, "for 'Gt', 'Lt' operators, exactly one value is required"));
        if (list === 'matchExpressions') errors.push(...validateLabelName(key, `${at}.key`));
      }
  return errors;
}
