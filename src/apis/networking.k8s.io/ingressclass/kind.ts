import { specStrategy } from '../../common/strategies.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { defaultClassName } from '../../common/default-class.ts';
import { ageColumn, column, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { IngressClass } from '../../generated/types/networking.k8s.io/v1.ts';

const annotation = 'ingressclass.kubernetes.io/is-default-class';

function parameters(object: IngressClass): string {
  const reference = object.spec?.parameters;
  if (!reference) return none;
  return `${reference.kind}${reference.apiGroup ? `.${reference.apiGroup}` : ''}/${reference.name}`;
}

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  strategy: specStrategy<IngressClass>(
    { generationFields: ['spec'] },
    {
      validateUpdate: (object, old) =>
        validateImmutable(object.spec?.controller, old.spec?.controller, 'spec.controller'),
    },
  ),
  columns: [
    column<IngressClass>('Name', (c) => defaultClassName(c, annotation), {
      format: 'name',
      description: 'Its name, and whether it is the default.',
    }),
    column<IngressClass>('Controller', (c) => c.spec?.controller ?? '', { description: 'Who implements it.' }),
    column<IngressClass>('Parameters', parameters, { description: 'Where its settings are.' }),
    ageColumn,
  ],
});
