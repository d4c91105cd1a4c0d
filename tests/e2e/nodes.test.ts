// Two nodes with real containers on one machine: the second in a network namespace and a process of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostname } from 'node:os';
import { busyboxArchive, busyboxImage } from '../support/images.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { kubectlPath } from '../support/oracles.ts';
import { podNamespaces, runNode } from '../support/pod-network.ts';
import { realContainersMissing } from '../support/root.ts';
import { execute, repository, skiff, UpCluster } from '../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/nodes.test.ts is left out: ${missing}`);

const names = [hostname().toLowerCase(), `${hostname().toLowerCase()}-2`] as const;
const flags = ['--nodes', '2', '--pod-network-cidr', '10.236.0.0/16', '--service-cidr', '10.116.0.0/16'];

/** A web server that answers with its own name, on a given node. */
const webPod = (name: string, node: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, 'mkdir /www; hostname > /www/index.html; echo serving; exec httpd -f -p 8080 -h /www']
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
`;

const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;

describe.runIf(!missing)('two nodes', () => {
  const cluster = new UpCluster();
  const shell = (pod: string, script: string) => cluster.must('exec', pod, '--', 'sh', '-c', script);
  const pods = ['web-1', 'web-2'];

  beforeAll(async () => {
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    await cluster.start(...flags, '--load-image', image);
    const objects = [webPod('web-1', names[0]), webPod('web-2', names[1]), service].join('---\n');
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], objects);
    expect(applied.code, applied.stderr).toBe(0);
    await cluster.must('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=30s');
  });
  afterAll(() => cluster.destroy());

  it('are Ready with addresses and pod networks of their own', async () => {
    const rows = await cluster.must(
      'get',
      'nodes',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
    );
    const [first, second] = rows.trim().split('\n');
    expect(first).toMatch(new RegExp(`^${names[0]} 10.236.0.0/24 [0-9.]+ True$`));
    expect(second).toBe(`${names[1]} 10.236.1.0/24 10.236.255.2 True`);
  });

  it('let pods reach each other in both directions', async () => {
    const ips = (await cluster.must('get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ');
    for (const pod of pods)
      for (const [i, ip] of ips.entries())
        expect(await shell(pod, `timeout 5 wget -qO- http://${ip}:8080/`), `from ${pod}`).toBe(`${pods[i]}\n`);
  });

  it('reach all endpoints of a Service from each', async () => {
    for (const pod of pods) {
      const answers = await shell(pod, 'for i in $(seq 20); do timeout 5 wget -qO- http://web/; done');
      expect(answers.trim().split('\n')).toHaveLength(20);
      expect(new Set(answers.trim().split('\n')), `from ${pod}`).toEqual(new Set(pods));
    }
  });

  it('reach all endpoints of a node port from each, of either node', async () => {
    const port = await cluster.must('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}');
    const address = 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}';
    for (const ip of (await cluster.must('get', 'nodes', '-o', address)).split(' '))
      for (const pod of pods) {
        const answers = await shell(pod, `for i in $(seq 20); do timeout 5 wget -qO- http://${ip}:${port}/; done`);
        expect(answers.trim().split('\n'), `from ${pod} by ${ip}`).toHaveLength(20);
        expect(new Set(answers.trim().split('\n')), `from ${pod} by ${ip}`).toEqual(new Set(pods));
      }
  });

  it('have DNS in reach of their pods', async () => {
    for (const pod of pods)
      expect(await shell(pod, 'nslookup web.default.svc.cluster.local')).toMatch(/Address: 10\.116\./);
  });

  it('have the API server in reach of their pods', async () => {
    // Not from inside the container: what its wget knows of TLS is too old.
    const ca = await cluster.must('get', 'cm', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}');
    const ask = `require('node:https').get('https://10.116.0.1/version', { ca: process.env.CA }, (r) => r.pipe(process.stdout))`;
    const namespaces = podNamespaces(cluster.dataDir);
    expect(namespaces).toHaveLength(pods.length);
    for (const namespace of namespaces) {
      const answer = await runNode(namespace, ask, { CA: ca });
      expect(JSON.parse(answer.stdout), answer.stderr).toMatchObject({ major: '1', minor: '36' });
    }
  });

  it('show logs and run commands', async () => {
    for (const pod of pods) {
      expect(await cluster.must('logs', pod)).toBe('serving\n');
      expect(await shell(pod, 'hostname')).toBe(`${pod}\n`);
    }
  });

  it('start again when the agent of one dies, with the same containers', async () => {
    const running = () =>
      cluster.must('get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[0].containerID}');
    const before = await running();
    const agent = hostLeftovers(cluster.dataDir).find((line) => line.includes('node-agent'));
    process.kill(Number(/^process: (\d+) /.exec(agent ?? '')?.[1]), 'SIGKILL');
    await expect.poll(() => cluster.log, { timeout: 20_000 }).toContain('starting it again');
    await expect
      .poll(async () => (await cluster.kubectl('exec', 'web-2', '--', 'hostname')).stdout, { timeout: 20_000 })
      .toBe('web-2\n');
    expect(await running()).toBe(before);
  });

  it('leave nothing on the host when they stop', async () => {
    expect(hostLeftovers(cluster.dataDir).join('\n')).toMatch(/network namespace: .*\n(.*\n)*nftables: /);
    const startMs = performance.now();
    expect(await cluster.stop()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });

  it('leave nothing after a kill and `skiff down`, and come back after both', async () => {
    await cluster.start(...flags);
    await cluster.must('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=30s');
    expect(await shell('web-2', 'timeout 5 wget -qO- http://web/')).toMatch(/^web-/);
    expect(await cluster.stop('SIGKILL')).toBe('SIGKILL');
    expect((await skiff('down', '--data-dir', cluster.dataDir)).code).toBe(0);
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });
});

describe.runIf(!missing)('a host without an address of its own', () => {
  it('has a cluster at the address of its pod bridge', async () => {
    const cluster = new UpCluster();
    try {
      const up = `node bin/skiff up --data-dir ${cluster.dataDir} --secure-port 0 --detach ${flags.join(' ')}`;
      const down = `node bin/skiff down --data-dir ${cluster.dataDir}`;
      const kubectl = `${kubectlPath('1.36')} --kubeconfig ${cluster.dataDir}/admin.conf`;
      const script = `ip link set lo up; ${up} && ${kubectl} get nodes,endpointslices; ${down}`;
      const { stdout, stderr } = await execute('unshare', ['--net', 'sh', '-c', script], { cwd: repository });
      expect(stdout, stderr).toMatch(new RegExp(`node/${names[0]} +Ready`));
      expect(stdout).toMatch(new RegExp(`node/${names[1]} +Ready`));
      expect(stdout).toMatch(/endpointslice.discovery.k8s.io\/kubernetes .* 10\.236\.0\.1 /);
      expect(hostLeftovers(cluster.dataDir)).toEqual([]);
    } finally {
      await cluster.destroy();
    }
  });
});
