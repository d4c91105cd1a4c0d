import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ResourceClaim } from '../../generated/types/resource.k8s.io/v1.ts';

function stateText(claim: ResourceClaim): string {
  const states: string[] = [];
  if (claim.metadata.deletionTimestamp) states.push('deleted');
  if (claim.status?.allocation) {
    states.push('allocated');
    if (claim.status.reservedFor?.length) states.push('reserved');
  } else if (states.length === 0) states.push('pending');
  return states.join(',');
}

export const resourceClaim = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  strategy: specStrategy<ResourceClaim>(
    { initialStatus: () => ({}) },
    { validateUpdate: (object, old) => validateImmutable(object.spec, old.spec, 'spec') },
  ),
  subresources: { status: statusStrategy<ResourceClaim>() },
  columns: [nameColumn, column<ResourceClaim>('State', stateText, { description: 'Where it stands.' }), ageColumn],
});
