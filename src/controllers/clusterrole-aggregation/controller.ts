/** Fills ClusterRoles that are made of others (admin, edit and view are). */
import type { ClusterRole } from '../../apis/generated/types/rbac.authorization.k8s.io/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { clusterRoles } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planAggregation } from './plan.ts';

const workers = 5;

export const clusterRoleAggregationController: ControllerDescriptor = {
  name: 'clusterrole-aggregation-controller',
  alias: 'clusterrole-aggregation',
  serviceAccount: 'clusterrole-aggregation-controller',
  create: (context) => new ClusterRoleAggregationController(context),
};

class ClusterRoleAggregationController implements RunningController {
  readonly #context: ControllerContext;
  readonly #roles: Informer<ClusterRole>;
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    const queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'cluster_role_aggregator' });
    this.#roles = informers.informer<ClusterRole>(clusterRoles);
    this.#roles.addIndex('aggregated', (role) => (role.aggregationRule ? ['true'] : []));
    // Any role may be part of any aggregated one.
    const enqueueAggregated = () => {
      for (const role of this.#roles.byIndex('aggregated', 'true')) queue.add(keyOf(role));
    };
    this.#roles.addHandlers({ onAdd: enqueueAggregated, onUpdate: enqueueAggregated, onDelete: enqueueAggregated });
    this.#controller = new Controller({
      name: clusterRoleAggregationController.name,
      clock,
      queue,
      workers,
      informers: [this.#roles],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(clusterRoleAggregationController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(name: string): Promise<Outcome> {
    const role = this.#roles.get(name);
    const rules = role && planAggregation(role, this.#roles.list());
    if (!rules) return done;
    try {
      await this.#context.client
        .resource<ClusterRole>(clusterRoles)
        .patch(name, 'merge', { metadata: { resourceVersion: role.metadata.resourceVersion }, rules });
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
