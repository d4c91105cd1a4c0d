/** ipFamilies and ipFamilyPolicy of Services on a cluster that has IPv4 alone (upstream: initIPFamilyFields). */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import { ipFamilyOf } from '../../machinery/net/ip.ts';
import { newInvalid } from '../../machinery/status/errors.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';

const clusterFamily = 'IPv4';

export const isHeadless = (service: Service): boolean =>
  service.spec?.clusterIP === 'None' || service.spec?.clusterIPs?.[0] === 'None';

/** Fills both fields in. Throws StatusError (422) for what this cluster cannot give. */
export function initIpFamilies(service: Service, old: Service | undefined): void {
  const spec = service.spec!;
  if (spec.type === 'ExternalName') return;
  const selectorless = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (selectorless ? 'RequireDualStack' : 'SingleStack');
  const policy = spec.ipFamilyPolicy;
  const errors: FieldError[] = [];
  const singleStackOnly = (what: string) =>
    invalid('spec.ipFamilyPolicy', policy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what}`);
  if (policy === 'SingleStack') {
    if (old !== undefined && (spec.ipFamilies?.length ?? 0) > 1 && same(spec.ipFamilies, old.spec?.ipFamilies))
      spec.ipFamilies = spec.ipFamilies!.slice(0, 1);
    if (spec.clusterIPs?.length === 2) errors.push(singleStackOnly('cluster IPs are specified'));
    if (spec.ipFamilies?.length === 2) errors.push(singleStackOnly('IP families are specified'));
  }
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    const family = ipFamilyOf(ip);
    if (family === undefined || i < (spec.ipFamilies?.length ?? 0)) continue;
    if (family !== clusterFamily)
      errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
    else spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
  }
  if (errors.length === 0 && !selectorless) {
    if (policy === 'RequireDualStack')
      errors.push(invalid('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'));
    for (const [i, family] of (spec.ipFamilies ?? []).entries())
      if (family !== clusterFamily)
        errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors);
  if (!spec.ipFamilies?.length) spec.ipFamilies = [clusterFamily];
  // Headless Services that nobody selects for may list addresses of either family.
  if (selectorless && policy !== 'SingleStack' && spec.ipFamilies.length === 1)
    spec.ipFamilies = [spec.ipFamilies[0]!, spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4'];
}

const same = (a: readonly string[] | undefined, b: readonly string[] | undefined) =>
  a?.length === b?.length && (a ?? []).every((item, i) => item === b?.[i]);
