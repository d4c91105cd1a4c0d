import { ipFamilyOf } from '../../../machinery/net/ip.ts';
import { formOf, inRange } from '../../../machinery/validation/checks.ts';
import { type FieldError, duplicate, invalid, required, tooMany } from '../../../machinery/validation/field-error.ts';
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../machinery/validation/formats.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { isOwnService, validateEndpointIp } from '../../common/validate-endpoint-ip.ts';
import type { EndpointSlice } from '../../generated/types/discovery.k8s.io/v1.ts';

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;

export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > maxEndpoints) return [...errors, tooMany('endpoints', endpoints.length, maxEndpoints)];
  for (const [i, endpoint] of endpoints.entries()) {
    const at = `endpoints[${i}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'));
    else if (addresses.length > maxAddresses) errors.push(tooMany(`${at}.addresses`, addresses.length, maxAddresses));
    for (const [j, address] of addresses.entries())
      errors.push(...validateAddress(address, slice, `${at}.addresses[${j}]`));
    errors.push(
      ...formOf(endpoint.nodeName, isDns1123Subdomain, `${at}.nodeName`),
      ...formOf(endpoint.hostname, isDns1123Label, `${at}.hostname`),
    );
  }
  return [...errors, ...validatePorts(slice)];
}

function validateAddress(address: string, slice: EndpointSlice, field: string): FieldError[] {
  const type = slice.addressType;
  if (type === 'FQDN') return formOf(address, isDns1123Subdomain, field);
  if (ipFamilyOf(address) !== type) return [invalid(field, address, `must be a valid ${type} address`)];
  return validateEndpointIp(address, field, isOwnService(slice.metadata));
}

function validatePorts(slice: EndpointSlice): FieldError[] {
  const ports = slice.ports ?? [];
  if (ports.length > maxPorts) return [tooMany('ports', ports.length, maxPorts)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `ports[${i}]`;
    errors.push(
      ...formOf(port.name, isDns1123Label, `${at}.name`),
      ...formOf(port.appProtocol, isQualifiedName, `${at}.appProtocol`),
    );
    if (names.has(port.name ?? '')) errors.push(duplicate(`${at}.name`, port.name ?? ''));
    names.add(port.name ?? '');
    if (port.port !== undefined) errors.push(...inRange(port.port, 1, 65_535, `${at}.port`));
  }
  return errors;
}

export const validateEndpointSliceUpdate = (slice: EndpointSlice, old: EndpointSlice): FieldError[] => [
  ...validateEndpointSlice(slice),
  ...validateImmutable(slice.addressType, old.addressType, 'addressType'),
];
