/** Which Services have a load balancer, and which nodes it leads to: pure, and as upstream's service controller has it. */
import type { Node, Service } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

/** Keeps a Service from going before its balancer has. */
export const cleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

export type ServiceAction = 'ensure' | 'clean up' | 'nothing';

/** Services of a class are somebody else's. */
export function actionFor(service: DeepReadonly<Service>): ServiceAction {
  const wanted = service.spec?.type === 'LoadBalancer' && service.spec.loadBalancerClass === undefined;
  if (wanted && service.metadata.deletionTimestamp === undefined) return 'ensure';
  return service.metadata.finalizers?.includes(cleanupFinalizer) ? 'clean up' : 'nothing';
}

/** By name, so that equal sets compare equal. */
export function balancedNodes(nodes: Iterable<DeepReadonly<Node>>): DeepReadonly<Node>[] {
  return [...nodes]
    .filter(
      (node) =>
        node.metadata.deletionTimestamp === undefined &&
        node.metadata.labels?.[excludeLabel] === undefined &&
        !node.spec?.taints?.some((t) => t.key === toBeDeletedTaint) &&
        node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    )
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
}

/** What of the nodes matters to a balancer: when this changes, all are ensured again. */
export const nodesKey = (nodes: readonly DeepReadonly<Node>[]): string =>
  JSON.stringify(nodes.map((n) => [n.metadata.name, n.spec?.providerID, n.status?.addresses, n.metadata.annotations]));
