// NetworkPolicies on a real cluster of two nodes: real pods, real packets, the real kubectl.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxArchive, busyboxImage } from '../../support/images.ts';
import { hostLeftovers } from '../../support/leftovers.ts';
import { podNamespaces } from '../../support/pod-network.ts';
import { realContainersMissing } from '../../support/root.ts';
import { execute, UpCluster } from '../../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/network/policies.test.ts is left out: ${missing}`);

const serve = 'mkdir /www; hostname > /www/index.html; httpd -p 8081 -h /www; exec httpd -f -p 8080 -h /www';

const pod = (namespace: string, name: string, node: string, command = serve) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, '${command}']
    ports: [{name: web, containerPort: 8080}]
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
`;

const policy = (name: string, spec: string) => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ${name}, namespace: red}
spec: {${spec}}
---
`;

describe.runIf(!missing)('NetworkPolicies', () => {
  const cluster = new UpCluster();
  let nodes: string[] = [];
  const apply = async (text: string) => {
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], text);
    expect(applied.code, applied.stderr).toBe(0);
  };
  const field = (what: string, path: string) => cluster.must('get', ...what.split(' '), '-o', `jsonpath={${path}}`);
  const ipOf = (namespace: string, name: string) => field(`pod -n ${namespace} ${name}`, '.status.podIP');
  /** What wget says from inside a pod; '' after 1 s of silence. */
  const get = async (from: string, url: string) => {
    const [namespace, name] = from.split('/');
    const args = ['exec', '-n', namespace!, name!, '--', 'sh', '-c', `timeout 1 wget -qO- ${url} || true`];
    return (await cluster.must(...args)).trim();
  };
  const fromHost = async (url: string) =>
    (await execute('timeout', ['2', 'busybox', 'wget', '-qO-', url])).stdout.trim();
  /** Policies are in force some milliseconds after they are written. */
  const eventually = async (ask: () => Promise<string>, wanted: string) => {
    for (let i = 0; i < 20; i++) if ((await ask()) === wanted) return;
    expect(await ask()).toBe(wanted);
  };
  const noPolicies = () => cluster.must('delete', 'networkpolicies', '-n', 'red', '--all');

  beforeAll(async () => {
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    const networks = ['--pod-network-cidr', '10.224.0.0/17', '--service-cidr', '10.224.128.0/17'];
    await cluster.start('--nodes', '2', ...networks, '--load-image', image);
    nodes = (await field('nodes', '.items[*].metadata.name')).split(' ').sort((a, b) => a.length - b.length);
    for (const namespace of ['red', 'blue']) {
      await cluster.must('create', 'namespace', namespace);
      await cluster.must('create', 'serviceaccount', 'default', '-n', namespace).catch(() => '');
    }
    const [first, second] = nodes as [string, string];
    await apply(
      [
        pod('red', 'server', first),
        pod('red', 'beside', first),
        pod('red', 'distant', second),
        pod('blue', 'stranger', second),
        `apiVersion: v1\nkind: Service\nmetadata: {name: server, namespace: red}\nspec: {selector: {app: server}, ports: [{port: 80, targetPort: web}]}\n`,
      ].join(''),
    );
    for (const namespace of ['red', 'blue'])
      await cluster.must('wait', '-n', namespace, '--for=condition=Ready', 'pod', '--all', '--timeout=60s');
  });
  afterAll(async () => {
    await cluster.destroy();
    expect(hostLeftovers(cluster.dataDir)).toEqual([]);
  });

  const everybody = ['red/beside', 'red/distant', 'blue/stranger'];

  it('deny by default: pods are shut out, on its node and across, by address and through the Service', async () => {
    const ip = await ipOf('red', 'server');
    for (const from of everybody) expect(await get(from, `http://${ip}:8080/`)).toBe('server');
    await apply(policy('deny', 'podSelector: {matchLabels: {app: server}}, policyTypes: [Ingress]'));
    for (const from of everybody) await eventually(() => get(from, `http://${ip}:8080/`), '');
    for (const from of everybody) expect(await get(from, 'http://server.red/')).toBe('');
    expect(await get('red/server', `http://${await ipOf('red', 'beside')}:8080/`)).toBe('beside');
  });

  it('never shut out the node (probes), or a pod from itself, not even through its Service', async () => {
    const ip = await ipOf('red', 'server');
    expect(await fromHost(`http://${ip}:8080/`)).toBe('server');
    expect(await get('red/server', `http://${ip}:8080/`)).toBe('server');
    expect(await get('red/server', 'http://server.red/')).toBe('server');
    // The test before took longer than the three probes that would make it unready.
    expect(await field('pod -n red server', ".status.conditions[?(@.type=='Ready')].status")).toBe('True');
    const readySince = await field('pod -n red server', ".status.conditions[?(@.type=='Ready')].lastTransitionTime");
    const deniedSince = await field('networkpolicy -n red deny', '.metadata.creationTimestamp');
    expect(readySince <= deniedSince).toBe(true);
  });

  it('let in who is selected, by the port that the Service leads to', async () => {
    const ip = await ipOf('red', 'server');
    const from =
      '[{podSelector: {matchLabels: {app: distant}}}, {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: blue}}}]';
    await apply(
      policy('allow', `podSelector: {matchLabels: {app: server}}, ingress: [{from: ${from}, ports: [{port: web}]}]`),
    );
    for (const one of ['red/distant', 'blue/stranger']) {
      await eventually(() => get(one, `http://${ip}:8080/`), 'server');
      expect(await get(one, 'http://server.red/')).toBe('server');
      expect(await get(one, `http://${ip}:8081/`)).toBe('');
    }
    expect(await get('red/beside', `http://${ip}:8080/`)).toBe('');
  });

  it('end with their deletion, and leave no rule behind', async () => {
    await noPolicies();
    const ip = await ipOf('red', 'server');
    for (const from of everybody) await eventually(() => get(from, `http://${ip}:8080/`), 'server');
    const { stdout } = await execute('nft', ['list', 'ruleset']);
    expect(stdout).not.toMatch(/hook forward priority (filter - 1|-1)/);
  });

  it('narrow egress: names are found and one block is reached, nothing else', async () => {
    const beside = await ipOf('red', 'beside');
    const server = await ipOf('red', 'server');
    const dns =
      '{to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}';
    const block = `{to: [{ipBlock: {cidr: 10.224.0.0/17, except: [${beside}/32]}}], ports: [{port: 8000, endPort: 8080}]}`;
    await apply(
      policy('out', `podSelector: {matchLabels: {app: distant}}, policyTypes: [Egress], egress: [${dns}, ${block}]`),
    );
    await eventually(() => get('red/distant', `http://${beside}:8080/`), '');
    expect(await get('red/distant', `http://${server}:8081/`)).toBe('');
    expect(await get('red/distant', 'http://server.red/')).toBe('server');
    expect(await get('blue/stranger', `http://${beside}:8080/`)).toBe('beside');
    await noPolicies();
  });

  it('hold for a pod from its first instant', async () => {
    await apply(policy('out', 'podSelector: {matchLabels: {app: hasty}}, policyTypes: [Egress]'));
    const ip = await ipOf('red', 'server');
    for (const node of nodes) {
      await apply(pod('red', 'hasty', node, `timeout 2 wget -qO- http://${ip}:8080/; echo done`));
      await cluster.must('wait', '-n', 'red', '--for=jsonpath={.status.phase}=Succeeded', 'pod/hasty', '--timeout=30s');
      const said = await cluster.must('logs', '-n', 'red', 'hasty');
      expect(said).toContain('done');
      expect(said).not.toContain('server');
      await cluster.must('delete', 'pod', '-n', 'red', 'hasty', '--wait');
    }
    await noPolicies();
  });

  it('keep connections that were there before', async () => {
    const ip = await ipOf('red', 'server');
    const namespaces = podNamespaces(cluster.dataDir);
    const serverNamespace = await namespaceOf(namespaces, ip);
    const clientNamespace = await namespaceOf(namespaces, await ipOf('red', 'beside'));
    const run = (namespace: string, program: string) =>
      spawn('nsenter', [`--net=${namespace}`, process.execPath, '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const server = run(
      serverNamespace,
      `require('node:net').createServer((s) => s.pipe(s)).listen(9000, () => console.log('ready'));`,
    );
    await once(server.stdout!, 'data');
    const client = run(
      clientNamespace,
      `const s = require('node:net').connect(9000, '${ip}'); s.pipe(process.stdout); process.stdin.pipe(s);`,
    );
    const say = async (text: string) => {
      const answer = once(client.stdout!, 'data');
      client.stdin!.write(text);
      return String((await answer)[0]);
    };
    try {
      expect(await say('before')).toBe('before');
      await apply(policy('deny', 'podSelector: {matchLabels: {app: server}}, policyTypes: [Ingress]'));
      await eventually(() => get('red/beside', `http://${ip}:8080/`), '');
      expect(await say('after')).toBe('after');
    } finally {
      client.kill('SIGKILL');
      server.kill('SIGKILL');
      await noPolicies();
    }
  });
});

async function namespaceOf(namespaces: readonly string[], ip: string): Promise<string> {
  for (const namespace of namespaces) {
    const { stdout } = await execute('nsenter', [`--net=${namespace}`, 'ip', '-4', '-o', 'addr']);
    if (stdout.includes(` ${ip}/`)) return namespace;
  }
  throw new Error(`no pod has the address ${ip}`);
}
