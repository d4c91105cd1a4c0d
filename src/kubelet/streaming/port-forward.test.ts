import { describe, expect, test } from 'vitest';
import { choosePortForwardProtocol, forwardedPorts } from './port-forward.ts';

describe('port-forward by channels', () => {
  test.each([
    ['port=80', [80]],
    ['port=80,443', [80, 443]],
    ['port=80&port=443', [80, 443]],
  ])('the ports of %s', (query, ports) => {
    expect(forwardedPorts(new URLSearchParams(query))).toEqual(ports);
  });

  test.each(['', 'port=', 'port=0', 'port=x', 'port=65536', 'port=80,'])('%j names no ports', (query) => {
    expect(() => forwardedPorts(new URLSearchParams(query))).toThrow(/port/);
  });

  test.each([
    [[], ''],
    [['v5.channel.k8s.io', 'v4.channel.k8s.io'], 'v4.channel.k8s.io'],
    [['v4.base64.channel.k8s.io'], 'v4.base64.channel.k8s.io'],
    [['channel.k8s.io'], undefined],
  ])('of the offers %j it takes %j', (offers, name) => {
    expect(choosePortForwardProtocol(offers)?.name).toBe(name);
  });
});
