import { afterEach, describe, expect, test } from 'vitest';
import { bareServer } from '../../testing/bare-server.suite.ts';
import { type NodeFields, type PodFields, cacheOf, clusterHandle, node, pod, podInfo } from '../fixtures.suite.ts';
import { Action } from '../framework/events.ts';
import { Framework } from '../framework/framework.ts';
import type { Plugin } from '../framework/plugin.ts';
import { defaultPlugins } from '../plugins/index.ts';
import { createScheduler } from '../scheduler.ts';
import { judgeNodes } from './judge-nodes.ts';
import { wakingEvents } from './waking-events.ts';

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

async function setUp() {
  const { clock, random, client, stop: stopServer } = await bareServer();
  const scheduler = createScheduler({ client, clock, random, recorder: { event: () => {} } });
  stop = async () => {
    await scheduler.stop();
    await stopServer();
  };
  const resource = (name: string) => client.resource({ group: '', version: 'v1', resource: name });
  await scheduler.start();
  return {
    clock,
    scheduler,
    addNode: (name: string, fields: NodeFields = {}) =>
      resource('nodes').create({ apiVersion: 'v1', kind: 'Node', ...node(name, fields) }),
    addPod: (name: string, fields: PodFields = {}) => {
      const containers = [{ name: 'c', image: 'web:1', resources: { requests: fields.requests ?? {} } }];
      const object = { apiVersion: 'v1', kind: 'Pod', ...pod(name, { containers, ...fields }), metadata: { name } };
      return resource('pods').namespace('default').create(object);
    },
  };
}

describe('explain', () => {
  test('says of a pod that waits who refuses it on each node, and what would wake it', async () => {
    const t = await setUp();
    await t.addNode('small', { allocatable: { cpu: '1' } });
    await t.addNode('tainted', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] });
    await t.addPod('a', { requests: { cpu: '2' } });
    await t.clock.settle();
    const explanation = t.scheduler.explain('default', 'a');
    expect(explanation).toMatchObject({
      state: 'unschedulable',
      attempts: 1,
      lastMessage: expect.stringContaining(
        '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint',
      ),
      refusals: [
        { node: 'small', plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], unresolvable: true },
        { node: 'tainted', plugin: 'TaintToleration', unresolvable: true },
      ],
      fits: [],
    });
    expect(explanation).toHaveProperty('wakes', [
      {
        plugin: 'NodeResourcesFit',
        events: [
          'AssignedPodDelete',
          'AssignedPodUpdatePodScaleDown',
          'TargetPodUpdatePodScaleDown',
          'NodeAdd',
          'NodeUpdateNodeAllocatable',
        ],
      },
      { plugin: 'TaintToleration', events: ['NodeAdd', 'NodeUpdateNodeTaint', 'TargetPodUpdatePodToleration'] },
    ]);
  });

  test('says of a gated pod who holds it, and where it would fit', async () => {
    const t = await setUp();
    await t.addNode('n1');
    await t.addPod('a', { schedulingGates: [{ name: 'example.com/wait' }] });
    await t.clock.settle();
    expect(t.scheduler.explain('default', 'a')).toMatchObject({
      state: 'gated',
      attempts: 0,
      heldBy: { plugin: 'SchedulingGates', reasons: ['waiting for scheduling gates: [example.com/wait]'] },
      fits: ['n1'],
      wakes: [{ plugin: 'SchedulingGates', events: ['TargetPodUpdatePodSchedulingGatesEliminated'] }],
    });
  });

  test('without nodes, anything that changes wakes the pod', async () => {
    const t = await setUp();
    await t.addPod('a');
    await t.clock.settle();
    expect(t.scheduler.explain('default', 'a')).toMatchObject({
      lastMessage: 'no nodes available to schedule pods',
      refusals: [],
      wakes: [{ plugin: '', events: ['any change'] }],
    });
  });

  test('knows pods that do not wait, and those that are not there', async () => {
    const t = await setUp();
    await t.addNode('n1');
    await t.addPod('placed');
    await t.addPod('foreign', { schedulerName: 'another' });
    await t.clock.settle();
    expect(t.scheduler.explain('default', 'placed')).toMatchObject({ state: 'scheduled', nodeName: 'n1' });
    expect(t.scheduler.explain('default', 'foreign')).toMatchObject({ state: 'notOurs', schedulerName: 'another' });
    expect(t.scheduler.explain('default', 'absent')).toBeUndefined();
  });
});

describe('judgeNodes', () => {
  const judge = (plugin: Plugin, fields: PodFields = {}) => {
    const cache = cacheOf([node('n1'), node('n2')]);
    const registrations = [...defaultPlugins, { name: plugin.name, create: () => plugin }];
    return judgeNodes(new Framework(registrations, clusterHandle(cache)), podInfo('a', fields), cache.nodeInfos());
  };

  test('a plugin that throws refuses with its error, and spoils nothing else', () => {
    const filter: Plugin['filter'] = (_state, _pod, { name }) => {
      if (name === 'n1') throw new Error('broken');
      return undefined;
    };
    expect(judge({ name: 'Broken', filter })).toEqual({
      refusals: [{ node: 'n1', plugin: '', reasons: ['broken'], unresolvable: false }],
      fits: ['n2'],
    });
  });

  test('nodes that PreFilter left out are refused by who left them out', () => {
    const preFilter: Plugin['preFilter'] = () => ({ nodeNames: new Set(['n2']) });
    expect(judge({ name: 'Narrow', preFilter })).toMatchObject({
      refusals: [{ node: 'n1', plugin: 'Narrow', unresolvable: true }],
      fits: ['n2'],
    });
  });
});

test.each([
  ['one that registers nothing', { name: 'P' }, ['any change']],
  ['everything', { name: 'P', eventsToRegister: () => [{ resource: '*', action: Action.All }] }, ['any change']],
  ['all of a resource', { name: 'P', eventsToRegister: () => [{ resource: 'Node', action: Action.All }] }, ['NodeAll']],
] satisfies [string, Plugin, string[]][])('events that wake: %s', (_, plugin, events) => {
  expect(wakingEvents([plugin], ['P'])).toEqual([{ plugin: 'P', events }]);
});
