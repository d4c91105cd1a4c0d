import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { isDns1035Label, isDns1123Subdomain, isPortNumber } from '../../../machinery/validation/formats.ts';
import type { APIService } from '../../generated/types/apiregistration.k8s.io/v1.ts';

/** Upstream: kube-aggregator apis/apiregistration/validation. */
export function validateApiService({
  metadata,
  spec = {} as NonNullable<APIService['spec']>,
}: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, service } = spec;
  const errors: FieldError[] = [];
  const name = `${version}.${group}`;
  if (metadata.name !== name)
    errors.push(invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: "${name}"`));
  if (group === '' && version !== 'v1')
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  if (group !== '') errors.push(...isDns1123Subdomain(group).map((why) => invalid('spec.group', group, why)));
  errors.push(...isDns1035Label(version).map((why) => invalid('spec.version', version, why)));
  if (!(groupPriorityMinimum > 0 && groupPriorityMinimum <= 20_000))
    errors.push(invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'));
  if (!(versionPriority > 0 && versionPriority <= 1000))
    errors.push(invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
  if (!service) {
    if (spec.caBundle)
      errors.push(
        invalid('spec.caBundle', `${atob(spec.caBundle).length} bytes`, 'local APIServices may not have a caBundle'),
      );
    if (spec.insecureSkipTLSVerify)
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
    return errors;
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'));
  if (!service.name) errors.push(required('spec.service.name'));
  const { port = 443 } = service;
  errors.push(...isPortNumber(port).map((why) => invalid('spec.service.port', port, `port is not valid: ${why}`)));
  if (spec.insecureSkipTLSVerify && spec.caBundle)
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  return errors;
}
