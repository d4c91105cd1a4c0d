import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event, Pod, Secret } from '../../../src/apis/generated/types/core/v1.ts';
import { busybox } from '../../support/images.ts';
import { shell, TestKubelet } from '../../support/kubelet.ts';
import { TestRegistry } from '../../support/registry.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: images from a registry: ${missing}`);

describe.runIf(!missing)('images from a registry', () => {
  const registry = new TestRegistry();
  let kubelet: TestKubelet;
  beforeAll(async () => {
    await registry.start();
    kubelet = await TestKubelet.create('images', 15);
  });
  afterAll(async () => {
    await kubelet?.remove();
    await registry.stop();
  });

  const waiting = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason;
  const events = async (name: string) => {
    const { items } = await kubelet.server.client
      .resource<Event>({ group: '', version: 'v1', resource: 'events' })
      .list();
    return items.filter((event) => event.involvedObject.name === name).map(({ reason }) => reason);
  };

  it('are pulled once, and then there', async () => {
    const image = registry.add('test/app:v1', busybox());
    await kubelet.makePod('first', { containers: [shell('sleep 1000', { image })] });
    await kubelet.running('first');
    expect(await events('first')).toEqual(['Pulling', 'Pulled', 'Created', 'Started']);
    registry.requests.length = 0;
    await kubelet.makePod('second', { containers: [shell('sleep 1000', { image })] });
    await kubelet.running('second');
    expect(registry.requests).toEqual([]);
    await kubelet.makePod('always', { containers: [shell('sleep 1000', { image, imagePullPolicy: 'Always' })] });
    await kubelet.running('always');
    expect(registry.requests.length).toBeGreaterThan(0);
  });

  it('that are not there are tried again, and come when they do', async () => {
    const image = registry.add('test/other:v1', busybox()).replace('other:v1', 'other:v2');
    await kubelet.makePod('patient', { containers: [shell('sleep 1000', { image })] });
    await kubelet.until('patient', (pod) => waiting(pod) === 'ErrImagePull', 'refused');
    await kubelet.until('patient', (pod) => waiting(pod) === 'ImagePullBackOff', 'in back-off', 20_000);
    registry.add('test/other:v2', busybox());
    await kubelet.until('patient', (pod) => pod.status?.phase === 'Running', 'running', 40_000);
    expect(await events('patient')).toEqual(
      expect.arrayContaining(['Pulling', 'Failed', 'BackOff', 'Pulled', 'Started']),
    );
  });

  it('that need a password are pulled with that of the pod', async () => {
    registry.credentials = 'user:secret';
    const image = registry.add('private/app:v1', busybox(undefined, [{ name: 'private', data: Buffer.from('x') }]));
    await kubelet.makePod('stranger', { containers: [shell('sleep 1000', { image })] });
    await kubelet.until('stranger', (pod) => waiting(pod) === 'ErrImagePull', 'refused');
    const auths = { [image.split('/')[0]!]: { username: 'user', password: 'secret' } };
    await kubelet.server.client
      .resource<Secret>({ group: '', version: 'v1', resource: 'secrets' })
      .namespace('default')
      .create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'pull' },
        type: 'kubernetes.io/dockerconfigjson',
        data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
      });
    await kubelet.makePod('friend', {
      imagePullSecrets: [{ name: 'pull' }],
      containers: [shell('sleep 1000', { image })],
    });
    await kubelet.running('friend');
  });
});
