// Packets of pods between nodes, wrapped in VXLAN; a tunnel that the kernel does not have (checklist 34).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirAt, readIdentity } from '../../../src/cluster/data-dir.ts';
import { tunnelLink } from '../../../src/network/names.ts';
import { busyboxArchive, busyboxImage } from '../../support/images.ts';
import { hostLeftovers } from '../../support/leftovers.ts';
import { realContainersMissing } from '../../support/root.ts';
import { execute, UpCluster } from '../../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/network/route-modes.test.ts is left out: ${missing}`);

const serve =
  'mkdir /www; hostname > /www/index.html; head -c 100000 /dev/zero > /www/big; exec httpd -f -p 8080 -h /www';
const pod = (name: string, node: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, '${serve}']
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
`;
const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;
const networks = ['--pod-network-cidr', '10.224.0.0/17', '--service-cidr', '10.224.128.0/17'];

describe.runIf(!missing)('--route-mode', () => {
  const cluster = new UpCluster();
  const field = async (path: string, ...what: string[]) =>
    (await cluster.must('get', ...what, '-o', `jsonpath={${path}}`)).split(' ');
  const shell = async (from: string, script: string) =>
    (await cluster.must('exec', from, '--', 'sh', '-c', script)).trim();
  const link = () => tunnelLink(readIdentity(dataDirAt(cluster.dataDir))!.id);
  /** Packets that went into the tunnel on the host. */
  const sent = async (): Promise<number> => {
    const [shown] = JSON.parse((await execute('ip', ['-j', '-s', 'link', 'show', link()])).stdout);
    return shown.stats64.tx.packets;
  };

  beforeAll(async () => {
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    await cluster.start('--nodes', '2', '--route-mode', 'vxlan', ...networks, '--load-image', image);
    const nodes = (await field('.items[*].metadata.name', 'nodes')).sort((a, b) => a.length - b.length);
    const objects = [pod('web-1', nodes[0]!), pod('web-2', nodes[1]!), service].join('');
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], objects);
    expect(applied.code, applied.stderr).toBe(0);
    await cluster.must('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=30s');
  });
  afterAll(async () => {
    await cluster.destroy();
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });

  it('vxlan: pods of two nodes reach each other through the tunnel, whatever the size of what they say', async () => {
    const ips = await field('.items[*].status.podIP', 'pods');
    const before = await sent();
    for (const [from, to] of [
      ['web-1', ips[1]],
      ['web-2', ips[0]],
    ])
      expect(await shell(from!, `timeout 5 wget -qO- http://${to}:8080/big | wc -c`)).toBe('100000');
    expect((await sent()) - before).toBeGreaterThan(20);
    const route = await execute('ip', ['route', 'get', ips[1]!]);
    expect(route.stdout).toContain(`dev ${link()}`);
  });

  it('vxlan: Services, names and the node itself go the same way', async () => {
    const ips = await field('.items[*].status.podIP', 'pods');
    for (const from of ['web-1', 'web-2']) {
      const answers = await shell(from, 'for i in $(seq 20); do timeout 5 wget -qO- http://web/; done');
      expect(new Set(answers.split('\n')), from).toEqual(new Set(['web-1', 'web-2']));
    }
    const { stdout } = await execute('timeout', ['5', 'busybox', 'wget', '-qO-', `http://${ips[1]}:8080/`]);
    expect(stdout.trim()).toBe('web-2');
  });

  it('pods know how much room the tunnel leaves', async () => {
    const mtu = async (name: string) => Number(await shell(name, 'cat /sys/class/net/eth0/mtu'));
    const [shown] = JSON.parse((await execute('ip', ['-j', 'link', 'show', link()])).stdout);
    expect(await mtu('web-1')).toBe(shown.mtu);
    // The second node's link to the first is an Ethernet of 1500 bytes.
    expect(await mtu('web-2')).toBe(1450);
  });
});

const made = spawnSync('unshare', [
  '--net',
  'ip',
  'link',
  'add',
  'probe',
  'type',
  'ipip',
  'remote',
  'any',
  'local',
  '127.0.0.1',
]);
describe.runIf(!missing && made.status !== 0)('a kernel without IP-in-IP', () => {
  it('is told of at once, with the flag and the module', async () => {
    const cluster = new UpCluster();
    await expect(cluster.start('--route-mode', 'ipip', ...networks)).rejects.toThrow(
      /--route-mode ipip: this host makes no such tunnel .*load the kernel module ipip/,
    );
    await cluster.destroy();
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });
});
