import { ipFamilyOf, parseIpv4 } from '../../machinery/net/ip.ts';
import type { ObjectMeta } from '../../machinery/meta/object.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';

/**
 * The API server's own Service. A cluster for tests may live on one machine alone, its API server on loopback: upstream
 * refuses to start there, we let this one object say so.
 */
export const isOwnService = (meta: ObjectMeta): boolean => meta.namespace === 'default' && meta.name === 'kubernetes';

/** An address that a Service may send traffic to: nothing that means the node itself. */
export function validateEndpointIp(ip: string, field: string, mayBeLoopback: boolean): FieldError[] {
  if (ipFamilyOf(ip) === undefined)
    return [invalid(field, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  const errors: FieldError[] = [];
  const lower = ip.toLowerCase();
  if (parseIpv4(ip) === 0 || lower === '::') errors.push(invalid(field, ip, 'may not be unspecified (0.0.0.0 or ::)'));
  if (!mayBeLoopback && (ip.startsWith('127.') || lower === '::1'))
    errors.push(invalid(field, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  if (ip.startsWith('169.254.') || /^fe[89ab]/.test(lower))
    errors.push(invalid(field, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  if (ip.startsWith('224.0.0.') || lower.startsWith('ff02:'))
    errors.push(invalid(field, ip, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'));
  return errors;
}
