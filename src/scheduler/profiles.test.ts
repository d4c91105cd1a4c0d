import { expect, test } from 'vitest';
import { bareServer } from '../testing/bare-server.suite.ts';
import { loadConfiguration } from './config/load.ts';
import { node, pod } from './fixtures.suite.ts';
import { createScheduler } from './scheduler.ts';

const text = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packer
  pluginConfig:
  - name: NodeResourcesFit
    args: { scoringStrategy: { type: MostAllocated } }
  plugins:
    score:
      disabled: [{ name: '*' }]
      enabled: [{ name: NodeResourcesFit, weight: 5 }]
- schedulerName: careless
  plugins:
    filter: { disabled: [{ name: TaintToleration }] }
- schedulerName: zoned
  pluginConfig:
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: In, values: [b] }] }]
`;

test('several schedulers in one: each pod is placed by the profile that it names, and the Events are of that name', async () => {
  const server = await bareServer();
  const { clock, random, client } = server;
  const events: string[] = [];
  const recorderOf = (name: string) => ({
    event: (object: { metadata: { name?: string } }, _type: string, reason: string, note: string) =>
      events.push(`${name} ${object.metadata.name} ${reason}: ${note}`),
  });
  const scheduler = createScheduler({
    client,
    clock,
    random,
    recorder: recorderOf('nobody'),
    recorderOf,
    configuration: loadConfiguration(text),
  });
  const pods = client.resource({ group: '', version: 'v1', resource: 'pods' }).namespace('default');
  const nodes = client.resource({ group: '', version: 'v1', resource: 'nodes' });
  const full = { labels: { zone: 'a' }, allocatable: { cpu: '1500m', memory: '1536Mi' } };
  await nodes.create({ apiVersion: 'v1', kind: 'Node', ...node('small', full) });
  await nodes.create({ apiVersion: 'v1', kind: 'Node', ...node('large', { labels: { zone: 'a' } }) });
  const tainted = { taints: [{ key: 'k', effect: 'NoSchedule' }], labels: { zone: 'b' }, allocatable: { cpu: '64' } };
  await nodes.create({ apiVersion: 'v1', kind: 'Node', ...node('tainted', tainted) });
  await scheduler.start();
  const place = async (name: string, schedulerName?: string) => {
    const object = pod(name, {
      containers: [{ image: 'web:1', resources: { requests: { cpu: '1', memory: '1Gi' } } }],
      ...(schedulerName === undefined ? {} : { schedulerName }),
    });
    await pods.create({ apiVersion: 'v1', kind: 'Pod', ...object, metadata: { name } });
    await clock.advance(10);
    return ((await pods.get(name)) as { spec?: { nodeName?: string } }).spec?.nodeName;
  };
  expect(await place('spread')).toBe('large');
  expect(await place('packed', 'packer')).toBe('small');
  expect(await place('bold', 'careless')).toBe('tainted');
  expect(await place('picky', 'zoned')).toBeUndefined();
  expect(await place('foreign', 'somebody-else')).toBeUndefined();
  expect(events).toEqual([
    'default-scheduler spread Scheduled: Successfully assigned default/spread to large',
    'packer packed Scheduled: Successfully assigned default/packed to small',
    'careless bold Scheduled: Successfully assigned default/bold to tainted',
    expect.stringContaining(
      "zoned picky FailedScheduling: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match scheduler-enforced node affinity.",
    ),
  ]);
  await scheduler.stop();
  await server.stop();
});
