import { expect, it } from 'vitest';
import { HealthzServer } from './healthz.ts';

it('HealthzServer answers on its own port, and refuses one that is taken', async () => {
  const server = new HealthzServer({ address: '127.0.0.1', port: 0 });
  await server.start();
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await ask('/healthz')).toEqual([200, 'ok']);
  expect(await ask('/pods')).toEqual([404, '404 page not found\n']);
  const second = new HealthzServer({ address: '127.0.0.1', port: server.port });
  await expect(second.start()).rejects.toThrow('EADDRINUSE');
  await second.stop();
  await server.stop();
});
