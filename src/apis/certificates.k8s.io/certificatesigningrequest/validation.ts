import {
  type FieldError,
  duplicate,
  invalid,
  notSupported,
  required,
} from '../../../machinery/validation/field-error.ts';
import { isDns1123Subdomain } from '../../../machinery/validation/formats.ts';
import type { CertificateSigningRequest } from '../../generated/types/certificates.k8s.io/v1.ts';

/** What a certificate can be for (RFC 5280's names, as upstream lists them: sorted). */
const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const leastSeconds = 600;

export function validateSigningRequest(object: CertificateSigningRequest): FieldError[] {
  const { request = '', usages: asked = [], signerName = '', expirationSeconds } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (!isPemRequest(request))
    errors.push(invalid('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST'));
  if (asked.length === 0) errors.push(required('spec.usages'));
  asked.forEach((usage, i) => {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages));
    if (asked.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
  });
  errors.push(...validateSignerName(signerName, 'spec.signerName'));
  if (expirationSeconds !== undefined && expirationSeconds < leastSeconds)
    errors.push(
      invalid(
        'spec.expirationSeconds',
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  return errors;
}

/** The bytes are of the PEM block: what is in it is the signer's to judge. */
function isPemRequest(base64: string): boolean {
  return /^-----BEGIN (NEW )?CERTIFICATE REQUEST-----\r?\n[\s\S]*-----END \1?CERTIFICATE REQUEST-----/m.test(
    atob(base64),
  );
}

/** `domain/path`: who is to sign. */
function validateSignerName(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  if (name === 'kubernetes.io/legacy-unknown')
    return [invalid(field, name, 'the legacy signerName is not allowed via this API version')];
  const [domain = '', ...path] = name.split('/');
  if (path.length !== 1)
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const errors = isDns1123Subdomain(domain).map((message) =>
    invalid(field, domain, `validating label "${domain}": ${message}`),
  );
  if (!domain.includes('.'))
    errors.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'));
  return errors;
}
