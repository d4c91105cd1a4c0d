import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/random.ts';
import { type ControllerManager, createControllerManager } from '../../../src/controllers/manager.ts';
import { deployment, world } from './support.ts';

test('controller managers, two with leader election, one works, and the other goes on when it is gone', async () => {
  const w = await world({ controllers: ['*', '-deployment', '-replicaset'] });
  const { cluster } = w;
  const lost: string[] = [];
  const manager = (identity: string): ControllerManager =>
    createControllerManager({
      client: cluster.rest,
      clock: cluster.clock,
      random: new SeededRandom(identity.length),
      controllers: ['deployment', 'replicaset'],
      leaderElectionIdentity: identity,
      onLeadershipLost: () => lost.push(identity),
    });
  const [one, other] = [manager('one'), manager('other')];
  const leases = cluster.client('coordination.k8s.io', 'v1', 'leases').namespace('kube-system');
  const holder = async () =>
    ((await leases.get('kube-controller-manager')) as { spec?: { holderIdentity?: string } }).spec?.holderIdentity;
  try {
    await one.start();
    await w.rest(1);
    await other.start();
    await w.rest(30);
    expect(await holder()).toBe('one');
    await w.deployments.create(deployment('web', 2));
    await w.rest();
    expect(await w.livePods()).toHaveLength(2);
    await one.stop();
    await w.rest(10);
    expect(await holder()).toBe('other');
    await w.deployments.patch('web', 'merge', { spec: { replicas: 3 } });
    await w.rest();
    expect(await w.livePods()).toHaveLength(3);
    expect(lost).toEqual([]);
  } finally {
    await one.stop();
    await other.stop();
  }
});
