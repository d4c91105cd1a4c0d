import { defineKind } from '../../common/define.ts';
import { carryOver, statusStrategy } from '../../common/strategies.ts';
import type { Node } from '../../generated/types/core/v1.ts';
import type { Strategy } from '../../kind.ts';
import { nodeColumns } from './columns.ts';
import { validateNode, validateNodeUpdate } from './validation.ts';

/** Nodes bring their status along when they register. */
const strategy: Strategy<Node> = {
  /** Nothing is cleared: the registry clears the status of kinds that do not say otherwise. */
  prepareForCreate() {},
  prepareForUpdate(node, old) {
    carryOver(node, old, 'status');
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
};

export const node = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  applyDefaults(object) {
    if (object.status?.capacity) object.status.allocatable ??= { ...object.status.capacity };
    const { spec } = object;
    if (spec?.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
    else if (spec?.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0];
  },
  strategy,
  subresources: { status: statusStrategy<Node>() },
  selectableFields: { 'spec.unschedulable': (n) => String(n.spec?.unschedulable ?? false) },
  columns: nodeColumns,
});
