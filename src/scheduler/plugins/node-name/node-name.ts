import { Action } from '../../framework/events.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

const mismatch = new Status('UnschedulableAndUnresolvable', "node(s) didn't match the requested node name");

/** A pod that names its node fits on no other. */
export const nodeName: PluginRegistration = {
  name: 'NodeName',
  create: (): Plugin => ({
    name: 'NodeName',
    filter(_state, pod, node) {
      const wanted = pod.pod.spec.nodeName;
      return wanted === undefined || wanted === '' || wanted === node.name ? undefined : mismatch;
    },
    eventsToRegister: () => [{ resource: 'Node', action: Action.Add }],
  }),
};
