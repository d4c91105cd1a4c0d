import { Action } from '../../framework/events.ts';
import type { Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

/** Holds pods until every one of their `spec.schedulingGates` is taken away. */
export const schedulingGates: PluginRegistration = {
  name: 'SchedulingGates',
  create: (): Plugin => ({
    name: 'SchedulingGates',
    preEnqueue(pod) {
      const gates = pod.pod.spec.schedulingGates ?? [];
      if (gates.length === 0) return undefined;
      const names = gates.map((gate) => gate.name).join(' ');
      return new Status('UnschedulableAndUnresolvable', `waiting for scheduling gates: [${names}]`);
    },
    eventsToRegister: () => [
      {
        resource: 'TargetPod',
        action: Action.UpdatePodSchedulingGatesEliminated,
        hint: (_pod, change) => (((change.new as Pod).spec.schedulingGates?.length ?? 0) === 0 ? 'Queue' : 'Skip'),
      },
    ],
  }),
};
