/** cloud-controller-manager: runs the controllers of whatever parts a provider has. */
import { isCidr, parseIpv4Cidr } from '../machinery/net/ip.ts';
import type { CloudContext, RunningCloudController } from './context.ts';
import { createNodeController } from './node/controller.ts';
import { createNodeLifecycleController } from './node-lifecycle/controller.ts';
import { createRouteController } from './route/controller.ts';
import { createServiceController } from './service/controller.ts';

/** Informers start with it, and are stopped by whoever made them. */
export function createCloudControllerManager(context: CloudContext): RunningCloudController {
  const { loadBalancers, instances, routes } = context.provider;
  const controllers = [
    ...(loadBalancers ? [createServiceController(context, loadBalancers)] : []),
    ...(instances ? [createNodeController(context, instances), createNodeLifecycleController(context, instances)] : []),
    ...(routes && context.clusterCidr ? [createRouteController(context, routes, within(context.clusterCidr))] : []),
  ];
  return {
    start() {
      for (const controller of controllers) controller.start();
      context.informers.start();
    },
    async stop() {
      await Promise.all(controllers.map((controller) => controller.stop()));
    },
  };
}

/** Whether a network is a part of one of these; of IPv6 only whether it is one at all. */
function within(clusterCidrs: string): (cidr: string) => boolean {
  const networks = clusterCidrs.split(',');
  return (cidr) =>
    networks.some((network) => {
      const [outer, inner] = [parseIpv4Cidr(network), parseIpv4Cidr(cidr)];
      if (!outer || !inner) return !outer && !inner && isCidr(cidr);
      return inner.base >= outer.base && inner.base + inner.size <= outer.base + outer.size;
    });
}
