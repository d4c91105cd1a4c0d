import type { CycleState, StateKey } from '../../framework/cycle-state.ts';
import { Action } from '../../framework/events.ts';
import type { Node, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

const unmet = new Status('UnschedulableAndUnresolvable', "node(s) didn't match Pod's required features");
const skip = { status: new Status('Skip') };
const required: StateKey<readonly string[]> = { name: 'PreFilterNodeDeclaredFeatures' };

/** What a pod can only have from a kubelet that says so in `status.declaredFeatures`, by the feature's name. */
const rules: readonly (readonly [feature: string, needs: (spec: Pod['spec']) => boolean])[] = [
  [
    'RestartAllContainersOnContainerExits',
    ({ containers, initContainers = [] }) =>
      [...containers, ...initContainers].some((c) =>
        c.restartPolicyRules?.some((rule) => rule.action === 'RestartAllContainers'),
      ),
  ],
  ['UserNamespacesHostNetworkSupport', (spec) => spec.hostNetwork === true && spec.hostUsers === false],
];

const needsOf = (pod: Pod) => rules.filter(([, needs]) => needs(pod.spec)).map(([feature]) => feature);
const declaredBy = (node: Node | undefined): readonly string[] => node?.status?.declaredFeatures ?? [];

/** Keeps pods that need a feature of the kubelet on nodes that declare it. */
export const nodeDeclaredFeatures: PluginRegistration = {
  name: 'NodeDeclaredFeatures',
  create: (): Plugin => ({
    name: 'NodeDeclaredFeatures',
    preFilter(state: CycleState, { pod }) {
      const needs = needsOf(pod);
      if (needs.length === 0) return skip;
      state.write(required, needs);
      return undefined;
    },
    filter(state, _pod, { node }) {
      const declared = declaredBy(node);
      return state.mustRead(required).every((feature) => declared.includes(feature)) ? undefined : unmet;
    },
    eventsToRegister: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeDeclaredFeature,
        hint: (pod, change) => {
          const declared = declaredBy(change.new as Node);
          return needsOf(pod).every((feature) => declared.includes(feature)) ? 'Queue' : 'Skip';
        },
      },
    ],
  }),
};
