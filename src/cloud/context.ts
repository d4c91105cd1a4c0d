import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informers.ts';
import type { CloudProvider } from './provider.ts';

export interface CloudContext {
  readonly provider: CloudProvider;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Routes of nodes are made for the parts of it. Absent: no routes. */
  readonly clusterCidr?: string;
  recorder(component: string): EventRecorder;
  onError(controller: string, error: unknown, key?: string): void;
}

export interface RunningCloudController {
  start(): void;
  stop(): Promise<void>;
}

export const nodesResource = { group: '', version: 'v1', resource: 'nodes' } as const;
export const servicesResource = { group: '', version: 'v1', resource: 'services' } as const;
export const slicesResource = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' } as const;
