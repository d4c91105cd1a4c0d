// Services, host ports and names on a real cluster: real pods, real packets, the real kubectl.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxArchive, busyboxImage } from '../support/images.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { askByUdp, podNamespaces, startUdpServer } from '../support/pod-network.ts';
import { realContainersMissing } from '../support/root.ts';
import { execute, UpCluster } from '../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/services.test.ts is left out: ${missing}`);

/** Answers with its own name. UDP servers are put beside it by the tests: busybox has none. */
const serve = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www';

const pod = (name: string, extra = '') => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  hostname: ${name}
  subdomain: headless
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, '${serve}']
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
${extra}---
`;

const service = (name: string, spec: string) => `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {${spec}}
---
`;

const http = 'ports: [{name: http, port: 80, targetPort: 8080}]';
const objects = [
  pod(
    'web-1',
    '    ports: [{containerPort: 8080, hostPort: 18080}, {containerPort: 8081, hostPort: 18081, protocol: UDP}]\n',
  ),
  pod('web-2', '    ports: [{containerPort: 8080, hostPort: 18082, hostIP: 127.0.0.1}]\n'),
  service('web', `type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30180}]`),
  service('sticky', `selector: {app: web}, sessionAffinity: ClientIP, ${http}`),
  service('empty', `selector: {app: nobody}, type: NodePort, ports: [{port: 80, nodePort: 30181}]`),
  service('udp', 'selector: {app: web}, ports: [{port: 53, targetPort: 8081, protocol: UDP}]'),
  service('headless', `selector: {app: web}, clusterIP: None, ${http}`),
  service('elsewhere', 'type: ExternalName, externalName: web.default.svc.cluster.local'),
].join('');

describe.runIf(!missing)('a real cluster', () => {
  const cluster = new UpCluster();
  const udpServers: ChildProcess[] = [];
  const shell = async (script: string, from = 'web-1') =>
    (await cluster.must('exec', from, '--', 'sh', '-c', script)).trim();
  /** wget on the host, by way of its own routes and tables. */
  const fromHost = async (url: string) => {
    const { stdout, stderr } = await execute('timeout', ['5', 'busybox', 'wget', '-qO-', url]);
    return stdout.trim() || stderr.trim().split(' ').pop();
  };
  const field = (what: string, path: string) => cluster.must('get', ...what.split(' '), '-o', `jsonpath={${path}}`);
  const clusterIp = (name: string) => field(`service ${name}`, '.spec.clusterIP');
  const podIps = async () => (await field('pods', '.items[*].status.podIP')).split(' ');

  beforeAll(async () => {
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    await cluster.start(
      '--pod-network-cidr',
      '10.235.0.0/16',
      '--service-cidr',
      '10.117.0.0/16',
      '--load-image',
      image,
    );
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], objects);
    expect(applied.code, applied.stderr).toBe(0);
    await cluster.must('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=30s');
    await cluster.must(
      'wait',
      '--for=jsonpath={.endpoints[1].conditions.ready}=true',
      'endpointslice',
      '-l',
      'kubernetes.io/service-name in (web,sticky,udp,headless)',
    );
    for (const namespace of podNamespaces(cluster.dataDir)) udpServers.push(await startUdpServer(namespace, 8081));
  });
  afterAll(async () => {
    for (const server of udpServers) server.kill('SIGKILL');
    await cluster.destroy();
  });

  it('balances a Service over its pods, for pods, a pod that is one of them, and the host', async () => {
    const both = new Set(['web-1', 'web-2']);
    const answers = await shell('for i in $(seq 20); do timeout 5 wget -qO- http://web/; done');
    expect(new Set(answers.split('\n'))).toEqual(both);
    const ip = await clusterIp('web');
    const host = await Promise.all(Array.from({ length: 20 }, () => fromHost(`http://${ip}/`)));
    expect(new Set(host)).toEqual(both);
  });

  it('keeps a client with its pod where the Service asks for it', async () => {
    const answers = await shell('for i in $(seq 10); do timeout 5 wget -qO- http://sticky/; done');
    expect(new Set(answers.split('\n')).size).toBe(1);
  });

  it('answers at a node port', async () => {
    const node = await field('nodes', '.items[0].status.addresses[0].address');
    expect(await fromHost(`http://${node}:30180/`)).toMatch(/^web-[12]$/);
    expect(await shell(`timeout 5 wget -qO- http://${node}:30180/`)).toMatch(/^web-[12]$/);
  });

  it('refuses at once where a Service has no endpoints', async () => {
    const node = await field('nodes', '.items[0].status.addresses[0].address');
    for (const url of [`http://${await clusterIp('empty')}/`, `http://${node}:30181/`]) {
      expect(await fromHost(url)).toBe('refused');
      expect(await shell(`timeout 5 wget -qO- ${url} 2>&1 || true`)).toContain('refused');
    }
  });

  it('carries UDP, from the host and from pods', async () => {
    const ip = await clusterIp('udp');
    const ips = await podIps();
    for (const from of [undefined, ...podNamespaces(cluster.dataDir)])
      expect(ips).toContain(await askByUdp(from, ip, 53));
  });

  it('serves host ports: to the host, over loopback, to pods; refused when the pod is gone', async () => {
    const node = await field('nodes', '.items[0].status.addresses[0].address');
    expect(await fromHost(`http://${node}:18080/`)).toBe('web-1');
    expect(await fromHost('http://127.0.0.1:18080/')).toBe('web-1');
    expect(await fromHost('http://127.0.0.1:18082/')).toBe('web-2');
    expect(await fromHost(`http://${node}:18082/`)).toBe('refused');
    for (const from of ['web-1', 'web-2'])
      expect(await shell(`timeout 5 wget -qO- http://${node}:18080/`, from)).toBe('web-1');
    const [first] = await podIps();
    for (const address of [node, '127.0.0.1']) expect(await askByUdp(undefined, address, 18081)).toBe(first);
    for (const from of podNamespaces(cluster.dataDir)) expect(await askByUdp(from, node, 18081)).toBe(first);
  });

  it("keeps pods out of what listens on the host's loopback alone", async () => {
    const secret = createServer((_, response) => response.end('secret')).listen(0, '127.0.0.1');
    await once(secret, 'listening');
    const { port } = secret.address() as AddressInfo;
    expect(await fromHost(`http://127.0.0.1:${port}/`)).toBe('secret');
    // A pod that sends what is for loopback to the bridge instead, as one with NET_RAW can.
    const forge = `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
      ip addr flush dev lo; ip route add 127.0.0.1 via 10.235.0.1 dev eth0
      timeout 2 busybox wget -qO- http://127.0.0.1:${port}/ || echo kept out`;
    const [namespace] = podNamespaces(cluster.dataDir);
    const { stdout } = await execute('nsenter', [`--net=${namespace}`, 'sh', '-c', forge]);
    secret.close();
    expect(stdout.trim()).toBe('kept out');
  });

  it('names Services, their ports and their pods', async () => {
    const ips = await podIps();
    expect(await shell('nslookup web.default.svc.cluster.local')).toContain(`Address: ${await clusterIp('web')}`);
    const headless = await shell('nslookup headless.default.svc.cluster.local');
    for (const ip of ips) expect(headless).toContain(`Address: ${ip}`);
    expect(await shell('nslookup web-2.headless.default.svc.cluster.local')).toContain(`Address: ${ips[1]}`);
    const srv = await shell('nslookup -type=srv _http._tcp.headless.default.svc.cluster.local');
    for (const name of ['web-1', 'web-2']) expect(srv).toContain(`${name}.headless.default.svc.cluster.local`);
    expect(await shell(`nslookup ${ips[1]}`)).toContain('name = web-2.headless.default.svc.cluster.local');
    expect(await shell('nslookup elsewhere.default.svc.cluster.local')).toContain(
      'canonical name = web.default.svc.cluster.local',
    );
    expect(await shell('nslookup nothing.default.svc.cluster.local 2>&1 || true')).toContain('NXDOMAIN');
    expect(await shell('timeout 5 wget -qO- http://elsewhere/')).toMatch(/^web-[12]$/);
  });

  it('takes a pod out of everything when it is deleted', async () => {
    for (const server of udpServers.splice(0)) server.kill('SIGKILL');
    await cluster.must('delete', 'pod', 'web-1', '--wait');
    await expect.poll(() => fromHost('http://127.0.0.1:18080/'), { timeout: 10_000 }).toBe('refused');
    const answers = await shell('for i in $(seq 10); do timeout 5 wget -qO- http://web/; done', 'web-2');
    expect(new Set(answers.split('\n'))).toEqual(new Set(['web-2']));
  });

  it('leaves nothing on the host when it stops', async () => {
    expect(await cluster.stop()).toBe(0);
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });
});
