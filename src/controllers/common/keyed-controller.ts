/** What controllers that work key by key have in common: a queue, informers that fill it, and a loop over it. */
import { Controller, type Outcome } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly, GroupVersionResource, KubeObject } from '../../machinery/meta/object.ts';
import type { ControllerContext, RunningController } from '../context.ts';

export interface KeyedControllerOptions {
  /** Upstream's canonical name. */
  readonly name: string;
  /** Upstream's name of its queue, for metrics. */
  readonly queueName: string;
  /** Keys worked on at once; default 5, as most of upstream's. */
  readonly workers?: number;
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>;
}

export interface Following<T> {
  /** The keys that an object concerns; default: its own. */
  keys?(object: DeepReadonly<T>): Iterable<string>;
  /** Whether an update matters; default: every one. The keys of both versions are queued. */
  changed?(old: DeepReadonly<T>, object: DeepReadonly<T>): boolean;
  /** Which changes matter; default: all. */
  readonly on?: readonly ('add' | 'update' | 'delete')[];
}

export type KeyedControllerContext = Pick<ControllerContext, 'informers' | 'clock' | 'onError' | 'queueMetrics'>;

/** Works on nothing before every informer that it uses has its first full state. */
export class KeyedController implements RunningController {
  readonly queue: WorkQueue;
  readonly #context: KeyedControllerContext;
  readonly #options: KeyedControllerOptions;
  readonly #informers = new Set<Informer<never>>();
  #controller: Controller | undefined;

  constructor(context: KeyedControllerContext, options: KeyedControllerOptions) {
    this.#context = context;
    this.#options = options;
    this.queue = new WorkQueue({ clock: context.clock, name: options.queueName, metrics: context.queueMetrics });
  }

  /** The informer of a resource, which must have synced before the first key. Only from the constructor of its user. */
  uses<T extends KubeObject>(resource: GroupVersionResource): Informer<T> {
    const informer = this.#context.informers.informer<T>(resource);
    this.#informers.add(informer as unknown as Informer<never>);
    return informer;
  }

  /** The same, and its changes queue keys. */
  follows<T extends KubeObject>(resource: GroupVersionResource, following: Following<T> = {}): Informer<T> {
    const { keys = (object) => [keyOf(object)], changed, on = ['add', 'update', 'delete'] } = following;
    const informer = this.uses<T>(resource);
    const enqueue = (object: DeepReadonly<T>) => {
      for (const key of keys(object)) this.queue.add(key);
    };
    informer.addHandlers({
      ...(on.includes('add') ? { onAdd: enqueue } : {}),
      ...(on.includes('delete') ? { onDelete: enqueue } : {}),
      ...(on.includes('update')
        ? {
            onUpdate: (old, object) => {
              if (changed !== undefined && !changed(old, object)) return;
              enqueue(old);
              enqueue(object);
            },
          }
        : {}),
    });
    return informer;
  }

  start(): void {
    const { name, workers = 5, reconcile } = this.#options;
    this.#controller ??= new Controller({
      name,
      clock: this.#context.clock,
      queue: this.queue,
      workers,
      informers: [...this.#informers],
      reconcile,
      onError: (error, key) => this.#context.onError(name, error, key),
    });
    this.#controller.start();
  }

  async stop(): Promise<void> {
    this.queue.shutDown();
    await this.#controller?.stop();
  }
}
