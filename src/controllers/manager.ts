/** Runs controllers together: shared informers, one event queue, one life (what kube-controller-manager is upstream). */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { EventBroadcaster } from '../client/events.ts';
import { InformerFactory } from '../client/informers.ts';
import { LeaderElection, type LeaderElectionOptions } from '../client/leader-election.ts';
import { createClient } from '../client/rest.ts';
import type { WorkQueueMetrics } from '../client/workqueue-metrics.ts';
import type { ControllerContext, ControllerManagerSettings, RunningController } from './context.ts';
import { selectControllers } from './registry.ts';

export interface ControllerManagerOptions {
  /** For informers, events and leases: needs to list and watch everything. */
  readonly client: Client;
  /**
   * The client of one controller, by the name of its ServiceAccount in kube-system (`deployment-controller`): each has
   * its own rights, as upstream's --use-service-account-credentials. Absent: all use `client`.
   */
  readonly clientFor?: (serviceAccount: string) => Client;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Names or aliases; `*` stands for all, `-name` leaves one out (upstream's --controllers). Default: all. An unknown
   * name throws.
   */
  readonly controllers?: readonly string[];
  readonly settings?: ControllerManagerSettings;
  /** Work only while holding the lease kube-system/kube-controller-manager, under this identity. Absent: at once. */
  readonly leaderElectionIdentity?: string;
  /** Default: upstream's 15, 10 and 2 s. */
  readonly leaderElection?: Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;
  /** Leadership was lost: the process should end (or start a new manager). */
  readonly onLeadershipLost?: () => void;
  /** Failures that are tried again: for logs. */
  readonly onError?: (controller: string, error: unknown, key?: string) => void;
  /** Work queues tell it how they go. */
  readonly queueMetrics?: WorkQueueMetrics;
  /** For tests: freezes what informers hand out. */
  readonly freeze?: boolean;
}

export interface ControllerManager {
  /** Starts, or waits for leadership. Resolves when all informers have synced (with leader election: at once). */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createControllerManager(options: ControllerManagerOptions): ControllerManager {
  return options.leaderElectionIdentity === undefined ? new Manager(options) : new ElectedManager(options);
}

class Manager implements ControllerManager {
  readonly #informers: InformerFactory;
  readonly #events: EventBroadcaster;
  readonly #running: readonly RunningController[];
  readonly #stop = new AbortController();

  constructor(options: ControllerManagerOptions) {
    const { client, clock, random, freeze } = options;
    const onError = options.onError ?? (() => {});
    this.#informers = new InformerFactory({
      client,
      clock,
      random,
      onError: (error) => onError('informers', error),
      ...(freeze ? { freeze } : {}),
    });
    this.#events = new EventBroadcaster({ client, clock, onError: (error) => onError('events', error) });
    const contextFor = (own: Client): ControllerContext => ({
      client: own,
      metadataClient: createClient({ transport: own.transport, clock, form: 'metadata' }),
      informers: this.#informers,
      clock,
      random,
      settings: options.settings ?? {},
      queueMetrics: options.queueMetrics,
      recorder: (component) => this.#events.recorder(component),
      onError,
    });
    this.#running = selectControllers(options.controllers).map((descriptor) =>
      descriptor.create(contextFor(options.clientFor?.(descriptor.serviceAccount) ?? client)),
    );
  }

  async start(): Promise<void> {
    this.#events.start();
    for (const controller of this.#running) controller.start();
    this.#informers.start();
    await this.#informers.whenSynced(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the controller manager was stopped'));
    await Promise.all(this.#running.map((controller) => controller.stop()));
    await this.#informers.stop();
    await this.#events.stop();
  }
}

/** A manager that exists only while this process leads. */
class ElectedManager implements ControllerManager {
  readonly #options: ControllerManagerOptions;
  readonly #stop = new AbortController();
  #electing: Promise<void> | undefined;

  constructor(options: ControllerManagerOptions) {
    // Wrong names are to be told at once, not once it leads.
    selectControllers(options.controllers);
    this.#options = options;
  }

  async start(): Promise<void> {
    const { client, clock, random, leaderElectionIdentity = '', onLeadershipLost, onError } = this.#options;
    const election = new LeaderElection({
      client,
      clock,
      random,
      namespace: 'kube-system',
      name: 'kube-controller-manager',
      identity: leaderElectionIdentity,
      ...this.#options.leaderElection,
      onError: (error) => onError?.('leader-election', error),
      lead: async (signal) => {
        const manager = new Manager(this.#options);
        const ended = new Promise<void>((resolve) =>
          signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        await Promise.race([manager.start().catch(() => {}), ended]);
        await ended;
        await manager.stop();
      },
    });
    this.#electing = election
      .run(this.#stop.signal)
      .catch((error) => {
        if (!this.#stop.signal.aborted) onError?.('leader-election', error);
      })
      .then(() => {
        if (!this.#stop.signal.aborted) onLeadershipLost?.();
      });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the controller manager was stopped'));
    await this.#electing;
  }
}
