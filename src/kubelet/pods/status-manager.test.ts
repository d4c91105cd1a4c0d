import { afterEach, describe, expect, it } from 'vitest';
import type { Pod as ApiPod } from '../../apis/generated/types/core/v1.ts';
import { newConflict, newInternalError } from '../../machinery/status/errors.ts';
import { type BareServer, bareServer } from '../../testing/bare-server.suite.ts';
import type { Pod } from '../types.ts';
import { StatusManager } from './status-manager.ts';

let server: BareServer | undefined;
let manager: StatusManager | undefined;
afterEach(async () => {
  await manager?.stop();
  await server?.stop();
});

async function setUp() {
  server = await bareServer();
  const errors: string[] = [];
  const pods = server.client.resource<ApiPod>({ group: '', version: 'v1', resource: 'pods' });
  manager = new StatusManager({ pods, clock: server.clock, onError: (error) => errors.push(String(error)) });
  const inDefault = pods.namespace('default');
  const pod = await inDefault.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'app:1' }] },
  });
  server.requests.length = 0;
  return { server, manager, pods: inDefault, pod: pod as Pod, errors };
}
const writes = (of: BareServer) => of.requests.filter((request) => !request.startsWith('GET'));

describe('statuses on their way to the API server', () => {
  it('are written once, and only when they differ', async () => {
    const { server: api, manager: status, pods, pod } = await setUp();
    status.set(pod, { phase: 'Running' });
    await status.flush();
    status.set(pod, { phase: 'Running' });
    await status.flush();
    expect(writes(api)).toEqual(['PATCH /api/v1/namespaces/default/pods/p/status']);
    expect((await pods.get('p')).status?.phase).toBe('Running');
  });

  it('are overtaken by newer ones while one is being written', async () => {
    const { server: api, manager: status, pods, pod } = await setUp();
    for (let i = 0; i < 10; i++) status.set(pod, { phase: 'Running', message: `state ${i}` });
    await status.flush();
    await status.flush();
    expect(writes(api).length).toBeLessThanOrEqual(2);
    expect((await pods.get('p')).status?.message).toBe('state 9');
  });

  it('are tried again when the server fails', async () => {
    const { server: api, manager: status, pods, pod, errors } = await setUp();
    let failures = 1;
    api.intercept = (method) => {
      if (method === 'PATCH' && failures-- > 0) throw newInternalError('down');
    };
    status.set(pod, { phase: 'Running' });
    await api.clock.advance(2000);
    await status.flush();
    expect(errors).toHaveLength(1);
    expect((await pods.get('p')).status?.phase).toBe('Running');
  });

  it('are written again when someone else has changed them, and not for an echo of our own', async () => {
    const { server: api, manager: status, pods, pod } = await setUp();
    const ready = (value: string) => ({ phase: 'Running', conditions: [{ type: 'Ready', status: value }] });
    status.set(pod, ready('True'));
    await status.flush();
    api.requests.length = 0;
    status.observe((await pods.get('p')) as Pod);
    status.observe(pod);
    await status.flush();
    expect(writes(api)).toEqual([]);
    const marked = await pods.patch('p', 'strategic', { status: ready('False') }, { subresource: 'status' });
    status.observe(marked as Pod);
    await status.flush();
    expect((await pods.get('p')).status?.conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'True' }),
    ]);
  });

  it('end with the pod when another one has its name', async () => {
    const { server: api, manager: status, pod } = await setUp();
    api.intercept = (method) => {
      if (method === 'PATCH') throw newConflict({ group: '', resource: 'pods' }, 'p');
    };
    status.set(pod, { phase: 'Running' });
    await status.flush();
    expect(writes(api)).toHaveLength(1);
  });

  it('never delete a pod that nobody deleted', async () => {
    const { server: api, manager: status, pods, pod } = await setUp();
    status.finish(pod, { phase: 'Succeeded' });
    await status.flush();
    expect((await pods.get('p')).status?.phase).toBe('Succeeded');
    expect(writes(api).some((request) => request.startsWith('DELETE'))).toBe(false);
  });

  it('delete for good what is being deleted, once it has ended', async () => {
    const { manager: status, pods, pod } = await setUp();
    await pods.delete('p', { gracePeriodSeconds: 30 });
    const deleting = (await pods.get('p')) as Pod;
    status.set(deleting, { phase: 'Running' });
    await status.flush();
    expect((await pods.get('p')).metadata.uid).toBe(pod.metadata.uid);
    status.finish(deleting, { phase: 'Succeeded' });
    await status.flush();
    await expect(pods.get('p')).rejects.toThrow('not found');
  });
});
