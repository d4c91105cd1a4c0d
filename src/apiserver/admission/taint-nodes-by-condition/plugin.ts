/** New nodes take no pods until the node lifecycle controller has seen them ready. */
import type { Node } from '../../../apis/generated/types/core/v1.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore } from '../refuse.ts';

const notReady = 'node.kubernetes.io/not-ready';

export class TaintNodesByCondition implements AdmissionPlugin {
  readonly name = 'TaintNodesByCondition';

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'nodes')) return;
    const node = attributes.object as Node;
    node.spec ??= {};
    if (node.spec.taints?.some((t) => t.key === notReady && t.effect === 'NoSchedule')) return;
    node.spec.taints = [...(node.spec.taints ?? []), { key: notReady, effect: 'NoSchedule' }];
  }
}
