import { hostPortsOf, portsConflict } from '../../cache/host-ports.ts';
import { Action } from '../../framework/events.ts';
import type { Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration, PreFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

const conflict = new Status('Unschedulable', "node(s) didn't have free ports for the requested pod ports");
const skip: PreFilterResult = { status: new Status('Skip') };

/** A host port can be taken once on a node. */
export const nodePorts: PluginRegistration = {
  name: 'NodePorts',
  create: (): Plugin => ({
    name: 'NodePorts',
    preFilter: (_state, pod) => (pod.hostPorts.length === 0 ? skip : undefined),
    filter: (_state, pod, node) =>
      pod.hostPorts.some((port) => node.usedPorts.conflicts(port)) ? conflict : undefined,
    eventsToRegister: () => [
      {
        resource: 'AssignedPod',
        action: Action.Delete,
        hint: (pod, change) => {
          const freed = hostPortsOf(change.old as Pod);
          return hostPortsOf(pod).some((wanted) => freed.some((port) => portsConflict(wanted, port)))
            ? 'Queue'
            : 'Skip';
        },
      },
      { resource: 'Node', action: Action.Add },
    ],
  }),
};
