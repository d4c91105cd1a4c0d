// What an operator's notes show of Services, on a real cluster of two nodes with the real kubectl.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxArchive, busyboxImage } from '../../support/images.ts';
import { realContainersMissing } from '../../support/root.ts';
import { execute, UpCluster } from '../../support/up.ts';

const missing = realContainersMissing();
if (missing) console.log(`tests/e2e/network/notes.test.ts is left out: ${missing}`);

const serve = 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 9376 -h /www';

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: my-app}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/name: MyApp}}
  template:
    metadata: {labels: {app.kubernetes.io/name: MyApp}}
    spec:
      terminationGracePeriodSeconds: 0
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app.kubernetes.io/name: MyApp}}}
      containers:
      - name: main
        image: ${busyboxImage}
        command: [sh, -c, '${serve}']
        readinessProbe: {httpGet: {port: 9376}, periodSeconds: 1}
`;
/** As the notes have it. */
const service = `apiVersion: v1
kind: Service
metadata: {name: my-service}
spec:
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{protocol: TCP, port: 80, targetPort: 9376}]
`;
const older = `apiVersion: v1
kind: Pod
metadata: {name: older}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: ${busyboxImage}, command: [sleep, infinity]}]
`;

describe.runIf(!missing)("the notes' Services", () => {
  const cluster = new UpCluster();
  const apply = async (text: string) => {
    const applied = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], text);
    expect(applied.code, applied.stderr).toBe(0);
  };
  const field = (path: string, ...what: string[]) => cluster.must('get', ...what, '-o', `jsonpath={${path}}`);
  const shell = async (script: string) => (await cluster.must('exec', 'older', '--', 'sh', '-c', script)).trim();
  const fromHost = async (url: string) =>
    (await execute('timeout', ['5', 'busybox', 'wget', '-qO-', url])).stdout.trim();
  /** Who answers, over so many requests that an endpoint is missed once in a million times. */
  const answers = async (url: string) =>
    new Set((await shell(`for i in $(seq 20); do timeout 5 wget -qO- ${url}; done`)).split('\n'));
  const selected = ['-l', 'app.kubernetes.io/name=MyApp'];
  const list = async (path: string, ...what: string[]) =>
    (await field(path, ...what)).split(' ').filter(Boolean).sort();
  const followed = async () => {
    const ips = await list('.items[*].status.podIP', 'pods', ...selected);
    const ofSlices = () =>
      list('.items[*].endpoints[*].addresses[*]', 'endpointslices', '-l', 'kubernetes.io/service-name=my-service');
    const ofEndpoints = () => list('.subsets[*].addresses[*].ip', 'endpoints', 'my-service');
    await expect.poll(ofSlices, { timeout: 10_000 }).toEqual(ips);
    await expect.poll(ofEndpoints, { timeout: 10_000 }).toEqual(ips);
    const names = new Set(await list('.items[*].metadata.name', 'pods', ...selected));
    await expect.poll(() => answers('http://my-service/'), { timeout: 20_000 }).toEqual(names);
  };

  beforeAll(async () => {
    const image = join(cluster.dataDir, 'busybox.tar');
    writeFileSync(image, busyboxArchive());
    const networks = ['--pod-network-cidr', '10.224.0.0/17', '--service-cidr', '10.224.128.0/17'];
    await cluster.start('--nodes', '2', ...networks, '--load-image', image);
    await apply(older);
    await cluster.must('wait', '--for=condition=Ready', 'pod/older', '--timeout=30s');
    await apply(deployment);
    await cluster.must('rollout', 'status', 'deployment/my-app', '--timeout=60s');
    await apply(service);
  });
  afterAll(() => cluster.destroy());

  it('port 80 leads to port 9376 of the pods that the selector names, on every node (checklist 32)', async () => {
    const names = await list('.items[*].metadata.name', 'pods', ...selected);
    expect(new Set(await list('.items[*].spec.nodeName', 'pods', ...selected)).size).toBe(2);
    const ip = await field('.spec.clusterIP', 'service', 'my-service');
    await expect.poll(() => answers(`http://${ip}/`), { timeout: 20_000 }).toEqual(new Set(names));
  });

  it('its name resolves in a pod that is older than the Service (checklist 27)', async () => {
    const ip = await field('.spec.clusterIP', 'service', 'my-service');
    const full = 'my-service.default.svc.cluster.local';
    expect(await shell(`nslookup ${full} | tail -n +3`)).toContain(ip);
    const names = new Set(await list('.items[*].metadata.name', 'pods', ...selected));
    for (const name of ['my-service', 'my-service.default', full])
      expect(names, name).toContain(await shell(`timeout 5 wget -qO- http://${name}/`));
  });

  it('Endpoints, EndpointSlices and the rules follow the pods (checklist 5)', async () => {
    await followed();
    await cluster.must('scale', 'deployment/my-app', '--replicas=3');
    await cluster.must('rollout', 'status', 'deployment/my-app', '--timeout=60s');
    await followed();
    await cluster.must('scale', 'deployment/my-app', '--replicas=1');
    await expect.poll(() => list('.items[*].metadata.name', 'pods', ...selected), { timeout: 20_000 }).toHaveLength(1);
    await followed();
  });

  it('packets take the way of NAT on the node, from pods, the node and outside (checklist 35)', async () => {
    const [name] = await list('.items[*].metadata.name', 'pods', ...selected);
    const podIp = await field('.status.podIP', 'pod', name!);
    const ip = await field('.spec.clusterIP', 'service', 'my-service');
    await cluster.must('patch', 'service', 'my-service', '-p', '{"spec":{"type":"NodePort"}}');
    const nodePort = await field('.spec.ports[0].nodePort', 'service', 'my-service');
    const nodes = await list('.items[*].status.addresses[?(@.type=="InternalIP")].address', 'nodes');
    expect(await shell(`timeout 5 wget -qO- http://${ip}/`)).toBe(name);
    expect(await fromHost(`http://${ip}/`)).toBe(name);
    for (const node of nodes) {
      await expect.poll(() => fromHost(`http://${node}:${nodePort}/`), { timeout: 10_000 }).toBe(name);
      expect(await shell(`timeout 5 wget -qO- http://${node}:${nodePort}/`)).toBe(name);
    }
    // What the kernel remembers of a connection to the Service: it was translated to the pod.
    const flows = (await execute('conntrack', ['-L', '-p', 'tcp', '--orig-dst', ip])).stdout;
    expect(flows).toMatch(new RegExp(`dst=${ip} .*dport=80 src=${podIp} .*sport=9376`));
  });

  it("a LoadBalancer has the nodes' addresses where no vendor gives any (checklist 10, 35)", async () => {
    const [name] = await list('.items[*].metadata.name', 'pods', ...selected);
    await cluster.must('patch', 'service', 'my-service', '-p', '{"spec":{"type":"LoadBalancer"}}');
    const nodes = await list('.items[*].status.addresses[?(@.type=="InternalIP")].address', 'nodes');
    const balanced = () => list('.status.loadBalancer.ingress[*].ip', 'service', 'my-service');
    await expect.poll(balanced, { timeout: 10_000 }).toEqual(nodes);
    for (const node of nodes) {
      await expect.poll(() => fromHost(`http://${node}/`), { timeout: 10_000 }).toBe(name);
      expect(await shell(`timeout 5 wget -qO- http://${node}/`)).toBe(name);
    }
  });

  it('a load balancer learns by the health check port which node has endpoints, and that its proxy is well', async () => {
    const [pod] = await list('.items[*].metadata.name', 'pods', ...selected);
    const host = await field('.status.hostIP', 'pod', pod!);
    await cluster.must('patch', 'service', 'my-service', '-p', '{"spec":{"externalTrafficPolicy":"Local"}}');
    const port = await field('.spec.healthCheckNodePort', 'service', 'my-service');
    const ask = async (url: string) => {
      try {
        const answer = await fetch(url);
        return [answer.status, await answer.json()];
      } catch {
        return [];
      }
    };
    const answer = (localEndpoints: number) => [
      localEndpoints > 0 ? 200 : 503,
      { service: { namespace: 'default', name: 'my-service' }, localEndpoints, serviceProxyHealthy: true },
    ];
    for (const node of await list('.items[*].status.addresses[?(@.type=="InternalIP")].address', 'nodes'))
      await expect
        .poll(() => ask(`http://${node}:${port}/`), { timeout: 10_000 })
        .toEqual(answer(node === host ? 1 : 0));
    expect((await ask(`http://${host}:10256/healthz`))[1]).toMatchObject({ nodeHealthy: true });
  });
});
