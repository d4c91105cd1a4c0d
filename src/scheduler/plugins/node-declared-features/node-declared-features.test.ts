import { expect, test } from 'vitest';
import { type PodFields, node, nodeInfo, pluginHandle, pod, podInfo } from '../../fixtures.suite.ts';
import { CycleState } from '../../framework/cycle-state.ts';
import { nodeChanges } from '../../node-changes.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';

const plugin = nodeDeclaredFeatures.create(pluginHandle());
const restartAll = 'RestartAllContainersOnContainerExits';
const userNamespaces = 'UserNamespacesHostNetworkSupport';
const declaring = (...declaredFeatures: string[]) => {
  const plain = node('n');
  return { ...plain, status: { ...plain.status, declaredFeatures } };
};
const restarts: PodFields = { containers: [{ restartPolicyRules: [{ action: 'RestartAllContainers' }] }] };
const hostUsers: PodFields = { hostNetwork: true, hostUsers: false };

test.each<[fields: PodFields, declared: readonly string[], verdict: 'skip' | 'fits' | 'refused']>([
  [{}, [], 'skip'],
  [{ hostNetwork: true }, [], 'skip'],
  [{ containers: [{ restartPolicyRules: [{ action: 'Restart' }] }] }, [], 'skip'],
  [restarts, [], 'refused'],
  [restarts, [restartAll], 'fits'],
  [hostUsers, [restartAll], 'refused'],
  [hostUsers, [userNamespaces], 'fits'],
  [{ ...restarts, ...hostUsers }, [restartAll], 'refused'],
])('%j on a node that declares %j: %s', (fields, declared, verdict) => {
  const state = new CycleState();
  const info = podInfo('p', fields);
  const skipped = plugin.preFilter!(state, info)?.status?.code === 'Skip';
  const refused = skipped ? undefined : plugin.filter!(state, info, nodeInfo(declaring(...declared)));
  expect(skipped ? 'skip' : refused === undefined ? 'fits' : 'refused').toBe(verdict);
});

test('a node that begins to declare the feature wakes the pod, one that declares another does not', () => {
  const hintOf = (feature: string) => {
    const [change] = nodeChanges(node('n'), declaring(feature));
    expect(change!.event.label).toBe('NodeUpdateNodeDeclaredFeature');
    return plugin.eventsToRegister!()[0]!.hint!(pod('p', restarts), change!);
  };
  expect([hintOf(restartAll), hintOf(userNamespaces)]).toEqual(['Queue', 'Skip']);
});
