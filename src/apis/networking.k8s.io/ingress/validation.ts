import { formOf } from '../../../machinery/validation/checks.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import {
  isDns1123Label,
  isDns1123Subdomain,
  isPortName,
  isPortNumber,
  isWildcardDns1123Subdomain,
} from '../../../machinery/validation/formats.ts';
import { ipFamilyOf } from '../../../machinery/net/ip.ts';
import type { HTTPIngressPath, Ingress, IngressBackend } from '../../generated/types/networking.k8s.io/v1.ts';

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEndings = ['/..', '/.'];

export function validateIngress(ingress: Ingress): FieldError[] {
  const spec = ingress.spec ?? {};
  const errors: FieldError[] = [];
  if (!spec.rules?.length && !spec.defaultBackend)
    errors.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'));
  for (const [i, rule] of (spec.rules ?? []).entries()) {
    const at = `spec.rules[${i}]`;
    if (rule.host) errors.push(...validateHost(rule.host, `${at}.host`));
    if (!rule.http) continue;
    if (!rule.http.paths?.length) errors.push(required(`${at}.http.paths`));
    for (const [j, path] of (rule.http.paths ?? []).entries())
      errors.push(...validatePath(path, `${at}.http.paths[${j}]`));
  }
  return [...errors, ...formOf(spec.ingressClassName, isDns1123Subdomain, 'spec.ingressClassName')];
}

function validateHost(host: string, field: string): FieldError[] {
  if (ipFamilyOf(host) !== undefined) return [invalid(field, host, 'must be a DNS name, not an IP address')];
  return formOf(host, host.includes('*') ? isWildcardDns1123Subdomain : isDns1123Subdomain, field);
}

function validatePath(path: HTTPIngressPath, field: string): FieldError[] {
  const text = path.path ?? '';
  const errors: FieldError[] = [];
  if (path.pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')];
  const exact = path.pathType === 'Exact' || path.pathType === 'Prefix';
  if (!text.startsWith('/') && (exact || text !== ''))
    errors.push(invalid(`${field}.path`, text, 'must be an absolute path'));
  if (exact) {
    for (const bad of badSequences)
      if (text.includes(bad)) errors.push(invalid(`${field}.path`, text, `must not contain '${bad}'`));
    for (const bad of badEndings)
      if (text.endsWith(bad)) errors.push(invalid(`${field}.path`, text, `cannot end with '${bad}'`));
  }
  return [...errors, ...validateBackend(path.backend ?? {}, `${field}.backend`)];
}

function validateBackend({ service, resource }: IngressBackend, field: string): FieldError[] {
  if (service && resource) return [invalid(field, '', 'cannot set both resource and service backends')];
  if (resource) return resource.name ? [] : [required(`${field}.resource.name`)];
  if (!service) return [invalid(field, '', 'resource or service backend is required')];
  const errors = service.name
    ? formOf(service.name, isDns1123Label, `${field}.service.name`)
    : [required(`${field}.service.name`)];
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(invalid(field, '', 'cannot set both port name & port number'));
  else if (name) errors.push(...formOf(name, isPortName, `${field}.service.port.name`));
  else if (number)
    errors.push(...isPortNumber(number).map((message) => invalid(`${field}.service.port.number`, number, message)));
  else errors.push(required(field, 'port name or number is required'));
  return errors;
}
