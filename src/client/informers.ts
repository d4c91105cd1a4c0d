/** Informers shared by all components of a process: one watch a resource and selector, however many read it. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { GroupVersionResource, KubeObject } from '../machinery/meta/object.ts';
import { abortable } from './abortable.ts';
import type { Client } from './client.ts';
import { Informer } from './informer.ts';

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError?: (error: unknown) => void;
  /** For tests: see InformerOptions. */
  readonly freeze?: boolean;
}

/** Which part of a resource; informers of equal scope are one. */
export interface InformerScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export class InformerFactory {
  readonly #options: InformerFactoryOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #started = false;
  #stopped = false;

  constructor(options: InformerFactoryOptions) {
    this.#options = options;
  }

  /** The informer of a resource. One asked for after `start` starts at once. */
  informer<T extends KubeObject>(resource: GroupVersionResource, scope: InformerScope = {}): Informer<T> {
    const key = [
      resource.group,
      resource.version,
      resource.resource,
      scope.namespace ?? '',
      scope.labelSelector ?? '',
      scope.fieldSelector ?? '',
    ].join('|');
    let informer = this.#informers.get(key);
    if (!informer) {
      const { client, clock, random, onError, freeze } = this.#options;
      informer = new Informer<KubeObject>({
        client: client.resource<KubeObject>(resource).namespace(scope.namespace),
        clock,
        random,
        ...(scope.labelSelector ? { labelSelector: scope.labelSelector } : {}),
        ...(scope.fieldSelector ? { fieldSelector: scope.fieldSelector } : {}),
        ...(onError ? { onError } : {}),
        ...(freeze ? { freeze } : {}),
      });
      this.#informers.set(key, informer);
      if (this.#started && !this.#stopped) informer.start();
    }
    return informer as unknown as Informer<T>;
  }

  start(): void {
    this.#started = true;
    for (const informer of this.#informers.values()) informer.start();
  }

  /** Resolves once every informer asked for so far has its first full state. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    await abortable(Promise.all([...this.#informers.values()].map((informer) => informer.whenSynced())), signal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }
}
