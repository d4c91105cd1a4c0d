import { ageColumn, column, nameColumn, shortList, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { bumpGeneration, startGeneration } from '../../common/generation.ts';
import type { EndpointSlice } from '../../generated/types/discovery.k8s.io/v1.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';

/** Enough to see that there are some. */
const maxShown = 3;

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  strategy: {
    prepareForCreate: startGeneration,
    prepareForUpdate(object, old) {
      bumpGeneration(object, old, ['endpoints', 'ports', 'addressType']);
      // Labels say whose the slice is: consumers take their change for one of content.
      const before = old.metadata.generation ?? 0;
      if (object.metadata.generation === before && !semanticEqual(object.metadata.labels, old.metadata.labels))
        object.metadata.generation = before + 1;
    },
    validate: validateEndpointSlice,
    validateUpdate: validateEndpointSliceUpdate,
  },
  columns: [
    nameColumn,
    column<EndpointSlice>('AddressType', (s) => s.addressType, { description: 'IPv4, IPv6 or FQDN.' }),
    column<EndpointSlice>(
      'Ports',
      (s) =>
        shortList(
          (s.ports ?? []).map((p) => (p.port ? String(p.port) : p.name || '*')),
          maxShown,
          unset,
        ),
      { description: 'Ports of the endpoints.' },
    ),
    column<EndpointSlice>(
      'Endpoints',
      (s) =>
        shortList(
          (s.endpoints ?? []).flatMap((e) => e.addresses),
          maxShown,
          unset,
        ),
      { description: 'Addresses of the endpoints.' },
    ),
    ageColumn,
  ],
});
