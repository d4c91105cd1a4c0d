/** Tells kubelets, by an annotation of their nodes, how long what they read of the API may be kept. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { nodes } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planTtl, smallest } from './plan.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

export const ttlController: ControllerDescriptor = {
  name: 'ttl-controller',
  alias: 'ttl',
  serviceAccount: 'ttl-controller',
  create: (context) => new TtlController(context),
};

class TtlController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #nodes: Informer<Node>;
  #state = smallest;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: ttlController.name,
      queueName: 'ttlcontroller',
      reconcile: (key) => this.#sync(key),
    });
    this.#nodes = this.#loop.follows<Node>(nodes, {
      on: ['add', 'update'],
      changed: (_, node) => node.metadata.annotations?.[annotation] !== String(this.#state.ttlSeconds),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(name: string): Promise<Outcome> {
    this.#state = planTtl(this.#state, this.#nodes.size);
    const node = this.#nodes.get(name);
    const wanted = String(this.#state.ttlSeconds);
    if (!node || node.metadata.annotations?.[annotation] === wanted) return done;
    try {
      await this.#context.client
        .resource<Node>(nodes)
        .patch(name, 'strategic', { metadata: { annotations: { [annotation]: wanted } } });
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
