import { fitMessage } from '../../framework/fit-error.ts';
import { NodeToStatus } from '../../framework/node-to-status.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

const notHelpful = new Status('UnschedulableAndUnresolvable', 'Preemption is not helpful for scheduling');
const noVictims = new Status('UnschedulableAndUnresolvable', 'No preemption victims found for incoming pod');

/**
 * Says, node by node, why no pod is evicted to make room. It evicts none yet: where pods of lower priority run, that
 * is said as "no victims" too.
 */
export const defaultPreemption: PluginRegistration = {
  name: 'DefaultPreemption',
  create: (handle): Plugin => ({
    name: 'DefaultPreemption',
    postFilter(_state, pod, nodeToStatus) {
      if (pod.pod.spec.preemptionPolicy === 'Never')
        return new Status('Unschedulable', 'preemption: not eligible due to preemptionPolicy=Never.');
      const perNode = new NodeToStatus();
      perNode.absent = notHelpful;
      const nodes = handle.nodeInfos();
      for (const node of nodes)
        if (nodeToStatus.get(node.name).code === 'Unschedulable') perNode.set(node.name, noVictims);
      const diagnosis = {
        nodeToStatus: perNode,
        unschedulablePlugins: new Set<string>(),
        pendingPlugins: new Set<string>(),
        preFilterMessage: '',
        postFilterMessage: '',
      };
      return new Status('Unschedulable', `preemption: ${fitMessage(nodes.length, diagnosis)}`);
    },
    eventsToRegister: () => [],
  }),
};
