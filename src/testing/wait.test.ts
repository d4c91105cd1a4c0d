import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BareServer, bareServer } from './bare-server.suite.ts';
import { waitFor } from './wait.ts';

let server: BareServer;
beforeEach(async () => {
  server = await bareServer();
});
afterEach(() => server.stop());

const configMaps = () =>
  server.client.resource({ group: '', version: 'v1', resource: 'configmaps' }).namespace('default');
const make = (name: string) => configMaps().create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

describe('waitFor', () => {
  test('resolves at once with a state that is there', async () => {
    await make('a');
    const found = await waitFor(configMaps(), (all) => all.length === 1, server);
    expect(found[0]?.metadata.name).toBe('a');
  });

  test('resolves with the change that makes it true', async () => {
    const waiting = waitFor(configMaps(), (all) => all.some((c) => c.metadata.name === 'b'), server);
    await make('a');
    await make('b');
    expect((await waiting).length).toBe(2);
  });

  test('rejects with what the predicate throws', async () => {
    const broken = () => {
      throw new Error('no such field');
    };
    await expect(waitFor(configMaps(), broken, server)).rejects.toThrow('no such field');
  });

  test('says what it waited for and what it saw, when the time is over', async () => {
    await make('a');
    await expect(waitFor(configMaps(), () => false, server, { timeoutMs: 50, what: 'a miracle' })).rejects.toThrow(
      'waiting for a miracle: not reached in 50 ms; seen last:\n  default/a {}',
    );
  });

  test('ends with the signal', async () => {
    const abort = new AbortController();
    const waiting = waitFor(configMaps(), () => false, server, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
