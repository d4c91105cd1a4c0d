/** What every controller is handed, and what it is to the manager. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informers.ts';
import type { WorkQueueMetrics } from '../client/workqueue-metrics.ts';
import type { CertificateAuthority } from '../pki/certificate.ts';

export interface CertificateSigning {
  readonly authority: Pick<CertificateAuthority, 'notAfterMs' | 'signRequest'>;
  /** How long a certificate may last, and does when nothing else is asked; default a year. */
  readonly mostMs?: number;
}

export interface ControllerManagerSettings {
  /** The pod network: node-ipam gives each node a part of it. Absent: no node gets one. */
  readonly clusterCidr?: string;
  /** Bits of a node's part; default 24. */
  readonly nodeCidrMaskSize?: number;
  /** PEM: what root-ca-certificate-publisher publishes. Absent: it does nothing. */
  readonly rootCa?: string;
  /** With what approved certificate requests are signed. Absent: they are not. */
  readonly certificateSigning?: CertificateSigning;
  /** Finished pods past this number are deleted; default 12500, 0 and less: never. */
  readonly terminatedPodThreshold?: number;
  /** How long a node may be silent before it is Unknown; default 50 s. */
  readonly nodeMonitorGracePeriodMs?: number;
  /** The same for a node that has never reported; default 60 s. */
  readonly nodeStartupGracePeriodMs?: number;
  /** How often nodes are looked at; default 5 s. */
  readonly nodeMonitorPeriodMs?: number;
}

export interface ControllerContext {
  readonly client: Client;
  /** Objects as metadata alone (PartialObjectMetadata). */
  readonly metadataClient: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: ControllerManagerSettings;
  /** Work queues tell it how they go. */
  readonly queueMetrics?: WorkQueueMetrics | undefined;
  recorder(component: string): EventRecorder;
  /** Told of failures that are tried again: for logs. */
  onError(controller: string, error: unknown, key?: string): void;
}

export interface RunningController {
  /** Informers must have been asked for before: in the constructor. */
  start(): void;
  stop(): Promise<void>;
}

export interface ControllerDescriptor {
  /** Upstream's canonical name: `deployment-controller`. */
  readonly name: string;
  /** The older name that flags accept too. */
  readonly alias?: string;
  /** The ServiceAccount of kube-system whose rights it has: its writes are authorised as that one's. */
  readonly serviceAccount: string;
  create(context: ControllerContext): RunningController;
}
