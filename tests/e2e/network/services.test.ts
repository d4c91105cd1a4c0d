// Real packets through the rules of planTable: a node and two pods as network namespaces of their own, busybox servers.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostPort, planHostPorts } from '../../../src/network/hostports/plan.ts';
import { planTable } from '../../../src/network/proxy/plan.ts';
import { createScript, type NftTable, updateScript } from '../../../src/network/proxy/ruleset.ts';
import type { ServicePort } from '../../../src/network/proxy/service-port.ts';

const node = 'skiff-t-node';
const pods = [
  { namespace: 'skiff-t-a', ip: '10.249.0.2' },
  { namespace: 'skiff-t-b', ip: '10.249.0.3' },
] as const;
const servers: ChildProcess[] = [];
let directory: string;
const tables = new Map<string, NftTable>();

const inside = (namespace: string, ...command: string[]) =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** The body, or what kept it away: the last word of wget's complaint (`refused`), `` after 5 s of silence. */
function get(namespace: string, url: string): string {
  try {
    return inside(namespace, 'timeout', '5', 'busybox', 'wget', '-qO-', url).trim();
  } catch (error) {
    return (error as { stderr: string }).stderr.trim().split(' ').pop() ?? '';
  }
}

function load(ports: readonly ServicePort[]): void {
  apply(
    planTable(ports, {
      tableName: 'skiff-t',
      family: 'ip',
      podCidr: '10.249.0.0/16',
      serviceCidr: '10.112.0.0/12',
    }),
  );
}

/** As the node's agent would: the smallest change from what was loaded before under this name. */
function apply(next: NftTable): void {
  const before = tables.get(next.name);
  const script = before ? updateScript(before, next) : createScript(next);
  if (script !== '')
    execFileSync('nsenter', [`--net=/run/netns/${node}`, 'nft', '-f', '-'], {
      input: script,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  tables.set(next.name, next);
}

function service(overrides: Partial<ServicePort> = {}): ServicePort {
  const internal = overrides.internal ?? pods.map((p) => ({ ip: p.ip, port: 8080, local: true }));
  return {
    key: 'default/web/tcp/http',
    protocol: 'tcp',
    clusterIps: ['10.112.0.50'],
    port: 80,
    nodePort: 0,
    externalIps: [],
    guardedIps: [],
    sourceRanges: [],
    affinitySeconds: 0,
    internal,
    external: internal,
    externalLocal: false,
    ...overrides,
  };
}

const answers = (from: string, url: string, times = 20) => new Set(Array.from({ length: times }, () => get(from, url)));

function removeAll(): void {
  for (const name of [node, ...pods.map((p) => p.namespace)])
    try {
      execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
    } catch {
      // was not there
    }
}

beforeAll(() => {
  removeAll();
  directory = mkdtempSync(join(tmpdir(), 'skiff-services-'));
  execFileSync('ip', ['netns', 'add', node]);
  const setUp = [
    'ip link set lo up',
    'ip link add skbr0 address 02:00:00:00:00:01 type bridge',
    'ip addr add 10.249.0.1/24 dev skbr0',
    'ip link set skbr0 up',
    'ip route add 10.112.0.0/12 dev skbr0 src 10.249.0.1',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    'echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables',
    'echo 1 > /proc/sys/net/ipv4/conf/skbr0/route_localnet',
  ];
  inside(node, 'sh', '-ec', setUp.join('\n'));
  for (const [i, { namespace, ip }] of pods.entries()) {
    execFileSync('ip', ['netns', 'add', namespace]);
    inside(
      node,
      'sh',
      '-ec',
      `ip link add veth${i} type veth peer name eth0 netns ${namespace}
      ip link set veth${i} master skbr0
      bridge link set dev veth${i} hairpin on
      ip link set veth${i} up`,
    );
    inside(
      namespace,
      'sh',
      '-ec',
      `ip link set lo up; ip addr add ${ip}/24 dev eth0; ip link set eth0 up; ip route add default via 10.249.0.1`,
    );
    const www = join(directory, namespace);
    mkdirSync(www);
    writeFileSync(join(www, 'index.html'), `${namespace}\n`);
    servers.push(
      spawn('nsenter', [`--net=/run/netns/${namespace}`, 'busybox', 'httpd', '-f', '-p', '8080', '-h', www], {
        stdio: 'ignore',
      }),
    );
    // Ready when it answers itself.
    inside(
      namespace,
      'sh',
      '-ec',
      'i=0; until busybox wget -qO- http://127.0.0.1:8080/ >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 200 ]; done',
    );
  }
});

afterAll(() => {
  for (const server of servers) server.kill('SIGKILL');
  removeAll();
  rmSync(directory, { recursive: true, force: true });
});

describe('Services in nftables', () => {
  it('reach every endpoint, from the node and from a pod', () => {
    load([service()]);
    const both = new Set(pods.map((p) => p.namespace as string));
    expect(answers(node, 'http://10.112.0.50/')).toEqual(both);
    expect(answers(pods[0].namespace, 'http://10.112.0.50/')).toEqual(both);
  });

  it('let a pod reach itself', () => {
    load([service({ internal: [{ ip: pods[0].ip, port: 8080, local: true }] })]);
    expect(get(pods[0].namespace, 'http://10.112.0.50/')).toBe(pods[0].namespace);
  });

  it('keep a client with its endpoint where affinity is asked for', () => {
    load([service({ affinitySeconds: 60 })]);
    expect(answers(pods[0].namespace, 'http://10.112.0.50/').size).toBe(1);
  });

  it('answer at a node port', () => {
    load([service({ nodePort: 30123 })]);
    expect(answers(pods[1].namespace, 'http://10.249.0.1:30123/').size).toBe(2);
    expect(answers(node, 'http://10.249.0.1:30123/').size).toBe(2);
  });

  it("let only the source ranges reach a load balancer's address", () => {
    const balancer = '203.0.113.9';
    const guarded = { guardedIps: [balancer], sourceRanges: [`${pods[0].ip}/32`] };
    load([service({ externalIps: [balancer], ...guarded })]);
    expect(answers(pods[0].namespace, `http://${balancer}/`).size).toBe(2);
    expect(get(pods[1].namespace, `http://${balancer}/`)).toBe('');
    expect(answers(pods[1].namespace, 'http://10.112.0.50/').size).toBe(2);
    load([service({ externalIps: [balancer] })]);
    expect(answers(pods[1].namespace, `http://${balancer}/`).size).toBe(2);
  });

  it('refuse at once where there is no endpoint, and where there is no Service', () => {
    load([service({ internal: [], nodePort: 30123 })]);
    for (const from of [node, pods[0].namespace])
      for (const url of ['http://10.112.0.50/', 'http://10.112.0.51/', 'http://10.249.0.1:30123/'])
        expect(get(from, url), `${url} from ${from}`).toBe('refused');
  });
});

describe('host ports in nftables', () => {
  const load = (...ports: Partial<HostPort>[]) =>
    apply(
      planHostPorts(
        ports.map((p) => ({
          hostIp: undefined,
          protocol: 'tcp',
          hostPort: 8000,
          podIp: pods[0].ip,
          podPort: 8080,
          ...p,
        })),
        'skiff-t-ports',
      ),
    );
  const [first, second] = [pods[0].namespace, pods[1].namespace];

  it('lead to the pod from the node, from loopback, from other pods and from itself', () => {
    load({});
    for (const from of [node, first, second]) expect(get(from, 'http://10.249.0.1:8000/'), from).toBe(first);
    expect(get(node, 'http://127.0.0.1:8000/')).toBe(first);
  });

  it('may differ by address', () => {
    load({ hostIp: '127.0.0.1' }, { hostIp: '10.249.0.1', podIp: pods[1].ip });
    expect(get(node, 'http://127.0.0.1:8000/')).toBe(first);
    expect(get(node, 'http://10.249.0.1:8000/')).toBe(second);
  });

  it('are refused once the pod is gone, and leave traffic that only passes alone', () => {
    load({});
    expect(get(second, `http://${pods[0].ip}:8000/`)).toBe('refused');
    load();
    expect(get(second, 'http://10.249.0.1:8000/')).toBe('refused');
  });
});
