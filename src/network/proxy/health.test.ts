import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { healthCheckAnswer, healthCheckOf } from './health-check-ports.ts';
import { ProxyHealth } from './health.ts';
import { parseBindAddress } from './servers.ts';

describe('ProxyHealth', () => {
  it('is well while no family waits too long for its rules', async () => {
    const clock = new FakeClock({ defer: setImmediate });
    const health = new ProxyHealth(clock, 60_000);
    expect(health.answer('healthz').healthy).toBe(false);
    for (const family of ['IPv4', 'IPv6']) health.updated(family);
    await clock.advance(3_600_000);
    expect(health.answer('healthz').healthy).toBe(true);
    health.queued('IPv6');
    await clock.advance(60_000);
    expect(health.answer('livez').healthy).toBe(true);
    await clock.advance(1);
    health.queued('IPv6');
    expect(health.answer('livez').healthy).toBe(false);
    health.updated('IPv6');
    expect(health.answer('livez').healthy).toBe(true);
  });

  it('a node that goes is unhealthy for load balancers, and its proxy alive', () => {
    const health = new ProxyHealth(new FakeClock({ defer: setImmediate }), 60_000);
    health.updated('IPv4');
    health.setNode({
      metadata: {},
      spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] },
    });
    expect([health.answer('healthz').healthy, health.answer('livez').healthy]).toEqual([false, true]);
    expect(JSON.parse(health.answer('healthz').body)).toMatchObject({ nodeHealthy: false });
    expect(JSON.parse(health.answer('livez').body)).not.toHaveProperty('nodeHealthy');
    health.setNode({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    expect(health.answer('healthz').healthy).toBe(false);
    health.setNode({ metadata: {} });
    expect(health.answer('healthz').healthy).toBe(true);
  });
});

describe('health check node ports', () => {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30123 };
  const metadata = { namespace: 'default', name: 'web' };
  it.each([
    [spec, true],
    [{ ...spec, type: 'NodePort' }, false],
    [{ ...spec, externalTrafficPolicy: 'Cluster' }, false],
    [{ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }, false],
  ])('%j: %s', (given, wanted) => expect(healthCheckOf({ metadata, spec: given }, 1) !== undefined).toBe(wanted));

  it.each([
    [2, true, 200],
    [0, true, 503],
    [2, false, 503],
  ])('%i local endpoints, rules current %s: %i', (localEndpoints, healthy, code) => {
    const answer = healthCheckAnswer({ ...metadata, port: 1, localEndpoints }, healthy);
    expect(answer.code).toBe(code);
    expect(answer.headers['x-load-balancing-endpoint-weight']).toBe(String(localEndpoints));
    expect(JSON.parse(answer.body)).toEqual({ service: metadata, localEndpoints, serviceProxyHealthy: healthy });
  });
});

it.each([
  ['0.0.0.0:10256', { host: '0.0.0.0', port: 10256 }],
  ['[::]:10256', { host: '::', port: 10256 }],
  [':10256', { host: '', port: 10256 }],
  ['', undefined],
])('parseBindAddress(%j)', (text, wanted) => expect(parseBindAddress(text)).toEqual(wanted));
