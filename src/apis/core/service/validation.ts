/** Services (upstream: core/validation ValidateService). What depends on what is allocated is checked there. */
import { ipFamilyOf, isCidr } from '../../../machinery/net/ip.ts';
import { formOf, inRange } from '../../../machinery/validation/checks.ts';
import { type FieldError, duplicate, forbidden, invalid, required } from '../../../machinery/validation/field-error.ts';
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../machinery/validation/formats.ts';
import { validateLabels } from '../../../machinery/validation/object-meta.ts';
import type { Service, ServicePort, ServiceSpec } from '../../generated/types/core/v1.ts';
import { validatePort } from '../pod/validation/probes.ts';
import { externallyAccessible } from './defaults.ts';

/** A day: longer affinity is none of a load balancer's business. */
const maxAffinitySeconds = 86_400;
const badIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

export function validateService(service: Service): FieldError[] {
  const spec = service.spec ?? {};
  const errors: FieldError[] = [];
  const headless = spec.clusterIP === 'None';
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  if (spec.type === 'LoadBalancer' && headless)
    errors.push(
      invalid('spec.clusterIPs[0]', spec.clusterIPs?.[0], "may not be set to 'None' for LoadBalancer services"),
    );
  if (spec.type === 'NodePort' && headless)
    errors.push(invalid('spec.clusterIPs[0]', spec.clusterIPs?.[0], "may not be set to 'None' for NodePort services"));
  if (spec.type === 'ExternalName') errors.push(...validateExternalName(spec));
  errors.push(
    ...validatePorts(service),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIps(spec),
    ...validateExternal(service),
  );
  return errors;
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['clusterIP', 'clusterIPs'] as const)
    if (spec[field]?.length) errors.push(forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  for (const field of ['ipFamilies', 'ipFamilyPolicy'] as const)
    if (spec[field]?.length) errors.push(forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...formOf(name, isDns1123Subdomain, 'spec.externalName'));
  return errors;
}

function validatePorts(service: Service): FieldError[] {
  const spec = service.spec ?? {};
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `spec.ports[${i}]`;
    errors.push(...validateOnePort(port, ports.length > 1, names, at));
    const key = `${port.protocol}/${port.port}`;
    if (numbers.has(key)) errors.push(duplicate(at, portKey(port)));
    numbers.add(key);
    if (!port.nodePort) continue;
    if (spec.type === 'ClusterIP' || spec.type === 'ExternalName')
      errors.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
    const node = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(node)) errors.push(duplicate(`${at}.nodePort`, port.nodePort));
    nodePorts.add(node);
  }
  return errors;
}

/** What must be unique, as upstream shows it. */
const portKey = ({ protocol, port }: ServicePort) => ({
  Name: '',
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

function validateOnePort(port: ServicePort, named: boolean, names: Set<string>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (named && !port.name) errors.push(required(`${field}.name`));
  else if (port.name) {
    errors.push(...isDns1123Label(port.name).map((message) => invalid(`${field}.name`, port.name, message)));
    if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name));
    names.add(port.name);
  }
  errors.push(...inRange(port.port ?? 0, 1, 65_535, `${field}.port`));
  if (!port.protocol) errors.push(required(`${field}.protocol`));
  errors.push(...validatePort(port.targetPort, `${field}.targetPort`));
  errors.push(...formOf(port.appProtocol, isQualifiedName, `${field}.appProtocol`));
  return errors;
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  if (!spec.sessionAffinity) return [required('spec.sessionAffinity')];
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const field = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'ClientIP') {
    if (seconds === undefined) return [required(`${field}.clientIP.timeoutSeconds`)];
    return seconds > 0 && seconds <= maxAffinitySeconds
      ? []
      : [
          invalid(
            `${field}.clientIP.timeoutSeconds`,
            seconds,
            `must be greater than 0 and less than ${maxAffinitySeconds}`,
          ),
        ];
  }
  return spec.sessionAffinity === 'None' && spec.sessionAffinityConfig
    ? [forbidden(field, `must not be set when session affinity is ${spec.sessionAffinity}`)]
    : [];
}

function validateClusterIps(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const ips = spec.clusterIPs ?? [];
  const errors: FieldError[] = [];
  if (spec.clusterIP && ips.length === 0) errors.push(required('spec.clusterIPs'));
  if (ips.length > 0 && !spec.clusterIP)
    errors.push(invalid('spec.clusterIPs', ips, '`clusterIP` must be set when `clusterIPs` is set'));
  else if (ips.length > 0 && ips[0] !== spec.clusterIP)
    errors.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'));
  for (const [i, ip] of ips.entries()) {
    if (ip === 'None' && i === 0) {
      if (ips.length > 1) errors.push(invalid('spec.clusterIPs', ips, "'None' must be the first and only value"));
    } else if (ipFamilyOf(ip) === undefined) errors.push(invalid(`spec.clusterIPs[${i}]`, ip, badIp));
    else if (spec.ipFamilies?.[i] && spec.ipFamilies[i] !== ipFamilyOf(ip))
      errors.push(
        invalid(
          `spec.clusterIPs[${i}]`,
          ip,
          `expected an ${spec.ipFamilies[i]} value as indicated by \`ipFamilies[${i}]\``,
        ),
      );
  }
  if (ips.length > 2) errors.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'));
  if (ips.length === 2 && ipFamilyOf(ips[0]!) === ipFamilyOf(ips[1]!))
    errors.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'));
  const families = spec.ipFamilies ?? [];
  for (const [i, family] of families.entries())
    if (families.indexOf(family) < i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
  return errors;
}

function validateExternal(service: Service): FieldError[] {
  const spec = service.spec ?? {};
  const errors: FieldError[] = [];
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const at = `spec.externalIPs[${i}]`;
    if (ipFamilyOf(ip) === undefined) errors.push(invalid(at, ip, badIp));
    else if (ip === '0.0.0.0' || ip === '::') errors.push(invalid(at, ip, `may not be unspecified (${ip})`));
    else if (ip.startsWith('127.') || ip === '::1')
      errors.push(invalid(at, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
    else if (ip.startsWith('169.254.'))
      errors.push(invalid(at, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  }
  if (spec.externalTrafficPolicy && !externallyAccessible(service))
    errors.push(
      invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    );
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0 && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"));
  for (const [i, range] of ranges.entries())
    if (!isCidr(range.trim()))
      errors.push(
        invalid(
          `spec.LoadBalancerSourceRanges[${i}]`,
          range,
          'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
      );
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"));
  if (spec.loadBalancerClass && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"));
  if (spec.healthCheckNodePort && !(spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'))
    errors.push(
      invalid(
        'spec.healthCheckNodePort',
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  return errors;
}

/** An address stays as long as the Service has one. */
export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = validateService(service);
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    const oldIp = before.clusterIPs?.[0] || before.clusterIP;
    if (oldIp && (spec.clusterIPs?.[0] || spec.clusterIP || '') !== oldIp)
      errors.push(invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [], 'may not change once set'));
    if (before.ipFamilies?.[0] && spec.ipFamilies?.[0] && spec.ipFamilies[0] !== before.ipFamilies[0])
      errors.push(invalid('spec.ipFamilies[0]', spec.ipFamilies, 'may not change once set'));
  }
  if (
    before.type === 'LoadBalancer' &&
    spec.type === 'LoadBalancer' &&
    (spec.loadBalancerClass ?? '') !== (before.loadBalancerClass ?? '')
  )
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? '', 'may not change once set'));
  return errors;
}
