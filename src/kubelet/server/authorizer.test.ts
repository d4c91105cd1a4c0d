import { describe, expect, it } from 'vitest';
import type { IncomingMessage } from 'node:http';
import { FakeClock } from '../../base/fake-clock.ts';
import type { Client } from '../../client/client.ts';
import { withDefaults } from '../config/defaults.ts';
import type { KubeletConfiguration } from '../config/kubelet-configuration.ts';
import { KubeletAuthorizer, subresourcesOf } from './authorizer.ts';

describe('subresourcesOf', () => {
  it.each([
    ['/metrics/cadvisor', ['metrics']],
    ['/stats/summary', ['stats']],
    ['/logs/', ['log']],
    ['/configz', ['configz', 'proxy']],
    ['/healthz/ping', ['healthz', 'proxy']],
    ['/pods', ['pods', 'proxy']],
    ['/runningpods/', ['pods', 'proxy']],
    ['/exec/a/b/c', ['proxy']],
    ['/constructor', ['proxy']],
  ])('%s', (path, expected) => {
    expect(subresourcesOf(path)).toEqual(expected);
  });
});

describe('KubeletAuthorizer', () => {
  /** An API server that knows the token "fred", and lets its bearer use the sub-resources given. */
  function setup(may: string[], given: KubeletConfiguration = {}) {
    const asked: string[] = [];
    const clock = new FakeClock({ defer: setImmediate });
    const create = async ({ spec }: { spec: { token?: string; resourceAttributes?: { subresource: string } } }) => {
      if (spec.token !== undefined)
        return { status: spec.token === 'fred' ? { authenticated: true, user: { username: 'fred' } } : {} };
      asked.push(spec.resourceAttributes!.subresource);
      return { status: { allowed: may.includes(spec.resourceAttributes!.subresource) } };
    };
    const client = { resource: () => ({ create }) } as unknown as Client;
    const authorizer = new KubeletAuthorizer(client, clock, 'n1', withDefaults(given));
    const check = (path: string, authorization?: string) =>
      authorizer.check(
        { method: 'GET', headers: { authorization }, socket: { authorized: false } } as unknown as IncomingMessage,
        path,
      );
    return { asked, clock, check };
  }

  it('asks for the finer right first, for nodes/proxy then', async () => {
    const finer = setup(['configz']);
    expect(await finer.check('/configz', 'Bearer fred')).toBe('allowed');
    expect(finer.asked).toEqual(['configz']);
    const coarse = setup(['proxy']);
    expect(await coarse.check('/configz', 'Bearer fred')).toBe('allowed');
    expect(coarse.asked).toEqual(['configz', 'proxy']);
    expect(await setup(['configz']).check('/exec/a/b/c', 'Bearer fred')).toEqual({
      forbidden: 'Forbidden (user=fred, verb=get, resource=nodes, subresource(s)=[proxy])',
    });
  });

  it('remembers for as long as it is told', async () => {
    const { asked, clock, check } = setup([], { authorization: { webhook: { cacheUnauthorizedTTL: '1s' } } });
    await check('/stats/summary', 'Bearer fred');
    await check('/stats/summary', 'Bearer fred');
    expect(asked).toEqual(['stats']);
    await clock.advance(1000);
    await check('/stats/summary', 'Bearer fred');
    expect(asked).toEqual(['stats', 'stats']);
  });

  it.each<[string, KubeletConfiguration, string | undefined, string]>([
    ['nobody', {}, undefined, 'unauthenticated'],
    ['a token nobody knows', {}, 'Bearer x', 'unauthenticated'],
    ['nobody, where anonymous is allowed', { authentication: { anonymous: { enabled: true } } }, undefined, 'allowed'],
    [
      'a token nobody knows, though',
      { authentication: { anonymous: { enabled: true } } },
      'Bearer x',
      'unauthenticated',
    ],
    [
      'a token, where none are taken',
      { authentication: { webhook: { enabled: false } } },
      'Bearer fred',
      'unauthenticated',
    ],
  ])('%s', async (_, given, token, expected) => {
    expect(await setup(['stats'], given).check('/stats/summary', token)).toBe(expected);
  });

  it('asks nobody with AlwaysAllow', async () => {
    const { asked, check } = setup([], { authorization: { mode: 'AlwaysAllow' } });
    expect(await check('/exec/a/b/c', 'Bearer fred')).toBe('allowed');
    expect(asked).toEqual([]);
  });
});
