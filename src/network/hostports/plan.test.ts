import { describe, expect, it } from 'vitest';
import type { ContainerPort, Pod } from '../../apis/generated/types/core/v1.ts';
import { createScript } from '../proxy/ruleset.ts';
import { changedUdp } from './host-ports.ts';
import { type HostPort, hostPorts, planHostPorts } from './plan.ts';

const pod = (
  name: string,
  ports: ContainerPort[],
  status: Pod['status'] = {},
  spec: Partial<Pod['spec']> = {},
): Pod => ({
  metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'c', ports }], ...spec },
  status: { phase: 'Running', podIP: '10.0.0.2', ...status },
});
const port = (overrides: Partial<HostPort> = {}): HostPort => ({
  hostIp: undefined,
  protocol: 'tcp',
  hostPort: 8080,
  podIp: '10.0.0.2',
  podPort: 80,
  ...overrides,
});
const web = { containerPort: 80, hostPort: 8080 };

describe('hostPorts', () => {
  it.each<[string, Pod, HostPort[]]>([
    ['a plain one is for TCP at every address', pod('a', [web]), [port()]],
    [
      '0.0.0.0 is every address',
      pod('a', [{ ...web, hostIP: '0.0.0.0', protocol: 'UDP' }]),
      [port({ protocol: 'udp' })],
    ],
    ['an address narrows it', pod('a', [{ ...web, hostIP: '127.0.0.1' }]), [port({ hostIp: '127.0.0.1' })]],
    ['IPv6 addresses are another family', pod('a', [{ ...web, hostIP: '::1' }]), []],
    [
      'the IPv4 address of a dual-stack pod',
      pod('a', [web], { podIP: 'fd00::2', podIPs: [{ ip: 'fd00::2' }, { ip: '10.0.0.3' }] }),
      [port({ podIp: '10.0.0.3' })],
    ],
    ['no host port', pod('a', [{ containerPort: 80 }]), []],
    ['no address yet', pod('a', [web], { podIP: '' }), []],
    ['a pod that has ended', pod('a', [web], { phase: 'Succeeded' }), []],
    ['a pod of the host network serves itself', pod('a', [web], {}, { hostNetwork: true }), []],
    [
      'a sidecar',
      pod('a', [], {}, { initContainers: [{ name: 's', restartPolicy: 'Always', ports: [web] }] }),
      [port()],
    ],
    [
      'an init container is over before anybody asks',
      pod('a', [], {}, { initContainers: [{ name: 's', ports: [web] }] }),
      [],
    ],
  ])('%s', (_, given, expected) => expect(hostPorts([given])).toEqual(expected));

  it('leaves a port to the elder of two pods', () => {
    const younger = pod('a', [web], { podIP: '10.0.0.9' });
    younger.metadata = { ...younger.metadata, creationTimestamp: '2026-01-02T00:00:00Z' };
    expect(hostPorts([younger, pod('b', [web])])).toEqual([port()]);
  });
});

it('the table: a chain a port, found by address and port, or by port alone', () => {
  const script = createScript(planHostPorts([port(), port({ hostIp: '192.0.2.1', protocol: 'udp' })], 't'));
  expect(script).toContain('add rule ip t port-tcp-8080 meta l4proto tcp dnat to 10.0.0.2:80\n');
  expect(script).toContain('add element ip t ports { tcp . 8080 : goto port-tcp-8080 }\n');
  expect(script).toContain(
    'add element ip t ports-of-address { 192.0.2.1 . udp . 8080 : goto port-udp-8080-192.0.2.1 }\n',
  );
  expect(script).toContain('add element ip t hairpins { 10.0.0.2 . 10.0.0.2 }\n');
});

it('only UDP ports that came, went or moved have flows to forget', () => {
  const moved = port({ protocol: 'udp', podIp: '10.0.0.3' });
  const before = [port(), port({ protocol: 'udp' }), port({ protocol: 'udp', hostPort: 53 })];
  const after = [moved, port({ protocol: 'udp', hostPort: 53 })];
  expect(changedUdp(before, after)).toEqual([port({ protocol: 'udp' }), moved]);
});
