/**
 * What a cloud offers a cluster. A vendor implements this and hands it to `createCloudControllerManager`; nothing else of
 * Skiff needs to know of it. Each part may be absent: its controller does not run then.
 *
 * All methods are idempotent, may be called again at any time, and reject for what may pass: it is tried again, later and
 * later. None is called twice at the same time for one object.
 */
import type { LoadBalancerStatus, Node, NodeAddress, Service } from '../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../machinery/meta/object.ts';

export interface CloudProvider {
  /** As in the beginning of a Node's providerID: `NAME://...`. */
  readonly name: string;
  readonly loadBalancers?: LoadBalancers;
  readonly instances?: Instances;
  readonly routes?: Routes;
}

export interface LoadBalancerOutcome {
  readonly status: LoadBalancerStatus;
  /** What the provider notes on the Service; '' takes one away. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface LoadBalancers {
  /** Makes the balancer of a Service be as its spec says and lead to these nodes. */
  ensure(service: DeepReadonly<Service>, nodes: readonly DeepReadonly<Node>[]): Promise<LoadBalancerOutcome>;
  /** Resolves when nothing is left of it, and when there was nothing. */
  ensureDeleted(service: DeepReadonly<Service>): Promise<void>;
  /** Calls `touch(namespace/name)` when a Service must be ensured again for reasons of the provider's own. */
  follow?(touch: (key: string) => void): () => void;
}

export interface InstanceMetadata {
  readonly providerID: string;
  readonly instanceType?: string;
  readonly zone?: string;
  readonly region?: string;
  readonly addresses: readonly NodeAddress[];
  readonly additionalLabels?: Readonly<Record<string, string>>;
}

export interface Instances {
  /** False only when the machine is gone for good: its Node is deleted. */
  exists(node: DeepReadonly<Node>): Promise<boolean>;
  isShutDown(node: DeepReadonly<Node>): Promise<boolean>;
  metadata(node: DeepReadonly<Node>): Promise<InstanceMetadata>;
}

export interface CloudRoute {
  /** The provider's own name of it. */
  readonly name: string;
  readonly nodeName: string;
  readonly destinationCidr: string;
}

export interface Routes {
  list(): Promise<readonly CloudRoute[]>;
  create(node: DeepReadonly<Node>, destinationCidr: string): Promise<void>;
  remove(route: CloudRoute): Promise<void>;
}
