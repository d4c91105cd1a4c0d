/** Load balancers of Services (upstream: service-lb-controller). */
import type { LoadBalancerStatus, Node, Service } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import { keyOf } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { type CloudContext, nodesResource, type RunningCloudController, servicesResource } from '../context.ts';
import type { LoadBalancers } from '../provider.ts';
import { actionFor, balancedNodes, cleanupFinalizer, nodesKey } from './plan.ts';

/** Upstream's: a cloud that refuses is asked again after 5 s, at last every 5 minutes. */
const backoffMs = { base: 5_000, most: 300_000 };
const name = 'service-lb-controller';

export function createServiceController(context: CloudContext, balancers: LoadBalancers): RunningCloudController {
  const { client, clock, informers } = context;
  const events = context.recorder('service-controller');
  const queue = new WorkQueue({
    clock,
    name: 'service',
    rateLimiter: new ExponentialRateLimiter(backoffMs.base, backoffMs.most),
  });
  const services = informers.informer<Service>(servicesResource);
  const nodes = informers.informer<Node>(nodesResource);
  const add = (service: DeepReadonly<Service>) => {
    if (actionFor(service) !== 'nothing') queue.add(keyOf(service));
  };
  services.addHandlers({ onAdd: add, onUpdate: (_, service) => add(service) });
  let known = '';
  const onNodes = () => {
    const now = nodesKey(balancedNodes(nodes.list()));
    if (now === known) return;
    known = now;
    for (const service of services.list()) add(service);
  };
  nodes.addHandlers({ onAdd: onNodes, onUpdate: onNodes, onDelete: onNodes });
  let unfollow = () => {};

  /** Through the status, as upstream: its role may write no more, and metadata passes there. */
  const patch = async (service: DeepReadonly<Service>, change: object): Promise<void> => {
    await client
      .resource<Service>(servicesResource)
      .namespace(service.metadata.namespace)
      .patch(service.metadata.name!, 'merge', change, { subresource: 'status' });
  };
  const finalizers = (service: DeepReadonly<Service>) => service.metadata.finalizers ?? [];

  async function ensure(service: DeepReadonly<Service>): Promise<void> {
    const subject = { ...service, apiVersion: 'v1', kind: 'Service' };
    const { resourceVersion } = service.metadata;
    const isNew = !finalizers(service).includes(cleanupFinalizer);
    if (isNew) {
      // Its own write, before the cloud is asked: what the cloud has made is never forgotten.
      await patch(service, { metadata: { resourceVersion, finalizers: [...finalizers(service), cleanupFinalizer] } });
      events.event(subject, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    }
    const hosts = balancedNodes(nodes.list());
    if (hosts.length === 0) {
      const message = 'There are no available nodes for LoadBalancer';
      events.event(subject, 'Warning', 'UnAvailableLoadBalancer', message);
    }
    const { status, annotations = {} } = await balancers.ensure(service, hosts);
    const old: DeepReadonly<LoadBalancerStatus> = service.status?.loadBalancer ?? {};
    const noted = Object.entries(annotations).filter(([k, v]) => (service.metadata.annotations?.[k] ?? '') !== v);
    const same = semanticEqual(old.ingress ?? [], status.ingress ?? []);
    if (same && noted.length === 0) return;
    await patch(service, {
      metadata: { annotations: Object.fromEntries(noted.map(([k, v]) => [k, v === '' ? null : v])) },
      status: { loadBalancer: { ingress: status.ingress ?? null } },
    });
    if (same) events.event(subject, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
    else events.event(subject, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  async function cleanUp(service: DeepReadonly<Service>): Promise<void> {
    const subject = { ...service, apiVersion: 'v1', kind: 'Service' };
    events.event(subject, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    await balancers.ensureDeleted(service);
    const { resourceVersion } = service.metadata;
    await patch(service, {
      metadata: { resourceVersion, finalizers: finalizers(service).filter((f) => f !== cleanupFinalizer) },
      status: { loadBalancer: { ingress: null } },
    });
    events.event(subject, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  async function reconcile(key: string): Promise<Outcome> {
    const service = services.get(key);
    const action = service ? actionFor(service) : 'nothing';
    if (!service || action === 'nothing') return done;
    try {
      await (action === 'ensure' ? ensure(service) : cleanUp(service));
      return done;
    } catch (error) {
      if (isNotFound(error)) return done;
      const message = `Error syncing load balancer: ${messageOf(error)}`;
      events.event({ ...service, apiVersion: 'v1', kind: 'Service' }, 'Warning', 'SyncLoadBalancerFailed', message);
      return retry(error);
    }
  }

  const controller = new Controller({
    name,
    clock,
    queue,
    // Upstream's --concurrent-service-syncs.
    workers: 1,
    informers: [services, nodes],
    reconcile,
    onError: (error, key) => context.onError(name, error, key),
  });
  return {
    start() {
      unfollow = balancers.follow?.((key) => queue.add(key)) ?? unfollow;
      controller.start();
    },
    async stop() {
      unfollow();
      await controller.stop();
    },
  };
}
