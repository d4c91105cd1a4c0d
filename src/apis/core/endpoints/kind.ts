import { formOf, inRange } from '../../../machinery/validation/checks.ts';
import { type FieldError, required } from '../../../machinery/validation/field-error.ts';
import { isDns1123Label } from '../../../machinery/validation/formats.ts';
import { isOwnService, validateEndpointIp } from '../../common/validate-endpoint-ip.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Endpoints } from '../../generated/types/core/v1.ts';

/** Enough to see that there are some. */
const maxShown = 3;

/** `ip:port` for each port of each ready address; the first few, and how many more. */
function endpointsText(endpoints: Endpoints): string {
  const all: string[] = [];
  for (const subset of endpoints.subsets ?? []) {
    const addresses = subset.addresses ?? [];
    if (!subset.ports?.length) for (const address of addresses) all.push(address.ip);
    for (const port of subset.ports ?? [])
      for (const address of addresses) all.push(joinHostPort(address.ip, port.port));
  }
  if (!endpoints.subsets?.length) return none;
  const head = all.slice(0, maxShown).join(',');
  return all.length > maxShown ? `${head} + ${all.length - maxShown} more...` : head;
}

const joinHostPort = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

function validate(object: Endpoints): FieldError[] {
  return (object.subsets ?? []).flatMap((subset, i) => {
    const at = `subsets[${i}]`;
    const errors: FieldError[] = [];
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length)
      errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
    for (const list of ['addresses', 'notReadyAddresses'] as const)
      for (const [j, address] of (subset[list] ?? []).entries())
        errors.push(...validateEndpointIp(address.ip, `${at}.${list}[${j}].ip`, isOwnService(object.metadata)));
    for (const [j, port] of (subset.ports ?? []).entries()) {
      if (!port.name && subset.ports!.length > 1) errors.push(required(`${at}.ports[${j}].name`));
      errors.push(...formOf(port.name, isDns1123Label, `${at}.ports[${j}].name`));
      errors.push(...inRange(port.port ?? 0, 1, 65_535, `${at}.ports[${j}].port`));
    }
    return errors;
  });
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  strategy: { allowCreateOnUpdate: true, validate, validateUpdate: validate },
  columns: [
    nameColumn,
    column<Endpoints>('Endpoints', endpointsText, { description: 'Ready addresses with their ports.' }),
    ageColumn,
  ],
});
