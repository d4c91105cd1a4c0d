import { Action } from '../../framework/events.ts';
import type { Node, Pod, Taint } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { isTolerated } from '../tolerations.ts';

const unschedulable = new Status('UnschedulableAndUnresolvable', 'node(s) were unschedulable');

/** What a cordoned node is taken to be tainted with; DaemonSet pods tolerate it. */
const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes (`spec.unschedulable`). */
export const nodeUnschedulable: PluginRegistration = {
  name: 'NodeUnschedulable',
  create: (): Plugin => ({
    name: 'NodeUnschedulable',
    filter(_state, pod, node) {
      if (!node.node!.spec?.unschedulable || isTolerated(cordon, pod.pod.spec.tolerations)) return undefined;
      return unschedulable;
    },
    eventsToRegister: () => [
      {
        resource: 'Node',
        // A cordon shows as the taint that the node controller sets, and as the field itself.
        action: Action.Add | Action.UpdateNodeTaint,
        hint: (_pod, change) => {
          const now = (change.new as Node).spec?.unschedulable ?? false;
          const before = change.old === undefined || ((change.old as Node).spec?.unschedulable ?? false);
          return before && !now ? 'Queue' : 'Skip';
        },
      },
      {
        resource: 'TargetPod',
        action: Action.UpdatePodToleration,
        hint: (_pod, change) => (isTolerated(cordon, (change.new as Pod).spec.tolerations) ? 'Queue' : 'Skip'),
      },
    ],
  }),
};
