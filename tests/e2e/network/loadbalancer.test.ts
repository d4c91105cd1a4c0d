// Addresses from a pool, announced on a segment: a client that knows nothing of the cluster but an address of a Service.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdentity, dataDirAt } from '../../../src/cluster/data-dir.ts';
import { fabricBridge } from '../../../src/network/names.ts';
import { busyboxArchive, busyboxImage } from '../../support/images.ts';
import { hostLeftovers } from '../../support/leftovers.ts';
import { realContainersMissing } from '../../support/root.ts';
import { execute, UpCluster } from '../../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/network/loadbalancer.test.ts is left out: ${missing}`);

/** On the segment that joins the nodes: the second announces there. */
const pool = '10.224.127.200-10.224.127.201';
const outsider = 'skiff-t-outside';

const serve = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www';
const objects = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, '${serve}']
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
`;
const service = (name: string, extra = '') => `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]${extra}}
`;

describe.runIf(!missing)('load balancers with a pool', () => {
  const cluster = new UpCluster();
  const apply = async (text: string) => {
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], text);
    expect(applied.code, applied.stderr).toBe(0);
  };
  const address = async (name: string) =>
    (await cluster.must('get', 'service', name, '-o', 'jsonpath={.status.loadBalancer.ingress[*].ip}')).trim();
  const fromOutside = async (url: string) => {
    const args = [`--net=/run/netns/${outsider}`, 'timeout', '3', 'busybox', 'wget', '-qO-', url];
    return (await execute('nsenter', args)).stdout.trim();
  };
  const removeOutsider = () => {
    try {
      execFileSync('ip', ['netns', 'delete', outsider], { stdio: 'ignore' });
    } catch {
      // was not there
    }
  };

  beforeAll(async () => {
    removeOutsider();
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    const networks = ['--pod-network-cidr', '10.224.0.0/17', '--service-cidr', '10.224.128.0/17'];
    await cluster.start('--nodes', '2', ...networks, '--load-balancer-pool', pool, '--load-image', image);
    await apply(objects);
    await cluster.must('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s');
    const bridge = fabricBridge(readIdentity(dataDirAt(cluster.dataDir))!.id);
    const setUp = `ip netns add ${outsider}
      ip link add sk-outside type veth peer name eth0 netns ${outsider}
      ip link set sk-outside master ${bridge} up
      ip -n ${outsider} addr add 10.224.127.100/24 dev eth0
      ip -n ${outsider} link set eth0 up`;
    execFileSync('sh', ['-ec', setUp]);
  });
  afterAll(async () => {
    removeOutsider();
    await cluster.destroy();
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });

  it('have an address each, at which a client of the segment reaches the pods (checklist 10)', async () => {
    await apply(service('web'));
    await expect.poll(() => address('web'), { timeout: 10_000 }).toBe('10.224.127.200');
    await expect.poll(() => fromOutside('http://10.224.127.200/'), { timeout: 20_000 }).toBe('web');
    const mac = execFileSync('ip', ['-n', outsider, 'neigh', 'show', '10.224.127.200'], { encoding: 'utf8' });
    expect(mac).toContain('lladdr');
  });

  it('wait where the pool is empty, and get what another gives back', async () => {
    await apply(`${service('second')}---\n${service('third')}`);
    await expect.poll(() => address('second'), { timeout: 10_000 }).toBe('10.224.127.201');
    const said = () => cluster.must('get', 'events', '-o', 'jsonpath={.items[*].message}');
    await expect.poll(said, { timeout: 10_000 }).toContain('all addresses of the pool are taken');
    await cluster.must('delete', 'service', 'web');
    await expect.poll(() => address('third'), { timeout: 15_000 }).toBe('10.224.127.200');
  });

  it('leave an address to nobody when the last Service is gone', async () => {
    await cluster.must('delete', 'service', 'second', 'third');
    await expect.poll(() => fromOutside('http://10.224.127.200/'), { timeout: 20_000 }).toBe('');
  });
});
