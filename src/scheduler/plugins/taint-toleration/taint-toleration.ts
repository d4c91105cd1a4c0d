import type { StateKey } from '../../framework/cycle-state.ts';
import { Action } from '../../framework/events.ts';
import type { Node, Toleration } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { normalizeByMax } from '../normalize.ts';
import { findUntoleratedTaint, isTolerated } from '../tolerations.ts';

const untolerated = new Status('UnschedulableAndUnresolvable', 'node(s) had untolerated taint(s)');
const preferTolerations: StateKey<readonly Toleration[]> = { name: 'PreScoreTaintToleration' };

/** Keeps pods off nodes whose NoSchedule or NoExecute taints they don't tolerate; prefers few PreferNoSchedule ones. */
export const taintToleration: PluginRegistration = {
  name: 'TaintToleration',
  weight: 3,
  create: (): Plugin => ({
    name: 'TaintToleration',
    filter(_state, pod, node) {
      return findUntoleratedTaint(node.taints, pod.pod.spec.tolerations) === undefined ? undefined : untolerated;
    },
    preScore(state, pod) {
      const all = pod.pod.spec.tolerations ?? [];
      state.write(
        preferTolerations,
        all.filter((t) => !t.effect || t.effect === 'PreferNoSchedule'),
      );
      return undefined;
    },
    score(state, _pod, node) {
      const tolerations = state.mustRead(preferTolerations);
      let count = 0;
      for (const taint of node.taints)
        if (taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations)) count++;
      return count;
    },
    normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, true),
    eventsToRegister: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeTaint,
        hint: (pod, change) => {
          const fits = (node: Node) =>
            findUntoleratedTaint(node.spec?.taints ?? [], pod.spec.tolerations) === undefined;
          const before = change.old !== undefined && fits(change.old as Node);
          return !before && fits(change.new as Node) ? 'Queue' : 'Skip';
        },
      },
      { resource: 'TargetPod', action: Action.UpdatePodToleration },
    ],
  }),
};
