import https from 'node:https';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigMap, Event, Node, Pod } from '../../../src/apis/generated/types/core/v1.ts';
import { realClock } from '../../../src/base/node/real-clock.ts';
import { SeededRandom } from '../../../src/base/random.ts';
import type { ResourceClient } from '../../../src/client/client.ts';
import { createKubelet, type Kubelet, type KubeletOptions } from '../../../src/kubelet/kubelet.ts';
import type { ClusterPki } from '../../../src/pki/cluster-pki.ts';
import { memoryClusterPki } from '../../../src/pki/pki-files.ts';
import { type BareServer, bareServer } from '../../../src/testing/bare-server.suite.ts';
import { startTestNode, type TestNode } from '../../support/node.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: the kubelet on real containers: ${missing}`);

describe.runIf(!missing)('a kubelet on a real containerd', () => {
  let node: TestNode;
  let server: BareServer;
  let kubelet: Kubelet;
  let pki: ClusterPki;
  let pods: ResourceClient<Pod>;

  const startKubelet = async () => {
    const { certPem, keyPem } = pki.kubeletServing('n1', ['127.0.0.1']);
    const options: KubeletOptions = {
      nodeName: 'n1',
      dataDir: node.dataDir,
      nodeIps: ['127.0.0.1'],
      clusterDns: ['10.96.0.10'],
      address: '127.0.0.1',
      port: 0,
      certificates: { certPem, keyPem, clientCaPem: pki.ca.certPem },
      crashLoopBackOff: { initialMs: 500, maxMs: 2000 },
    };
    const log = (message: string) => console.log(`[kubelet] ${message}`);
    const random = new SeededRandom(3);
    kubelet = createKubelet(options, { client: server.client, runtime: node.runtime, clock: realClock, random, log });
    await kubelet.start();
  };

  beforeAll(async () => {
    node = await startTestNode('pods', 12);
    server = await bareServer();
    pki = memoryClusterPki({ nowMs: Date.now() });
    pods = server.client.resource<Pod>({ group: '', version: 'v1', resource: 'pods' }).namespace('default');
    await startKubelet();
  });
  afterAll(async () => {
    await kubelet?.stop({ shutdownGraceSeconds: 1 });
    await server?.stop();
    await node?.remove();
  });

  const make = (name: string, spec: object, metadata: object = {}): Promise<Pod> =>
    pods.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...metadata },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 1, ...spec },
    });
  const shell = (script: string, extra: object = {}) => ({
    name: 'main',
    image: 'busybox:1.36',
    command: ['sh', '-c', script],
    ...extra,
  });
  const until = async (name: string, is: (pod: Pod) => boolean, what: string, timeoutMs = 15_000): Promise<Pod> => {
    const end = Date.now() + timeoutMs;
    let last: Pod | undefined;
    while (Date.now() < end) {
      last = await pods.get(name);
      if (is(last)) return last;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`pod ${name} is not ${what} after ${timeoutMs} ms: ${JSON.stringify(last?.status, null, 1)}`);
  };
  const running = (name: string) => until(name, (pod) => pod.status?.phase === 'Running', 'running');
  const gone = async (name: string) => {
    await expect
      .poll(() => pods.get(name).catch((error) => error.status?.reason), { timeout: 15_000 })
      .toBe('NotFound');
  };
  const log = async (name: string, query = '') => (await get(`/containerLogs/default/${name}/main?${query}`)).body;
  const get = (path: string): Promise<{ status: number; body: string }> => {
    const { certPem: cert, keyPem: key } = pki.client('super-admin');
    return new Promise((resolve, reject) => {
      https
        .get({ host: '127.0.0.1', port: kubelet.port, path, cert, key, ca: pki.ca.certPem }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString() }));
        })
        .on('error', reject);
    });
  };

  it('registers its node and makes it ready', async () => {
    const nodes = server.client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
    await expect
      .poll(
        async () =>
          (await nodes.get('n1').catch(() => undefined))?.status?.conditions?.find((c) => c.type === 'Ready')?.status,
      )
      .toBe('True');
    const { status } = await nodes.get('n1');
    expect(status?.nodeInfo?.containerRuntimeVersion).toMatch(/^containerd:\/\/\d+\.\d+\.\d+$/);
    expect(status?.daemonEndpoints?.kubeletEndpoint?.Port).toBe(kubelet.port);
    const leases = server.client.resource({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' });
    expect(await leases.namespace('kube-node-lease').get('n1')).toMatchObject({ spec: { holderIdentity: 'n1' } });
  });

  it('runs a pod, tells of it, and takes it away without a trace', async () => {
    const startMs = Date.now();
    const { metadata } = await make('web', { containers: [shell('echo hello; sleep 1000')] });
    const pod = await running('web');
    console.log(`create to Running: ${Date.now() - startMs} ms`);
    expect(pod.status?.podIP).toMatch(/^10\.200\.12\./);
    expect(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(pod.status?.containerStatuses).toMatchObject([
      { name: 'main', ready: true, started: true, restartCount: 0, image: 'docker.io/library/busybox:1.36' },
    ]);
    expect(await log('web')).toBe('hello\n');
    const directory = `${node.dataDir}/pods/${metadata.uid}`;
    expect(existsSync(directory)).toBe(true);
    await pods.delete('web');
    await gone('web');
    await expect.poll(() => existsSync(directory)).toBe(false);
    expect(await node.runtime.listPodSandbox({ labelSelector: { 'io.kubernetes.pod.name': 'web' } })).toEqual([]);
    const events = await server.client.resource<Event>({ group: '', version: 'v1', resource: 'events' }).list();
    const reasons = events.items.filter((e) => e.involvedObject.name === 'web').map((e) => e.reason);
    expect(reasons).toEqual(['Pulled', 'Created', 'Started', 'Killing']);
  });

  it('gives variables and files from ConfigMaps, fields and resources', async () => {
    const maps = server.client.resource<ConfigMap>({ group: '', version: 'v1', resource: 'configmaps' });
    await maps.namespace('default').create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { color: 'blue', 'app.conf': 'a=1\n' },
    });
    const script =
      'echo $COLOR $IP $NAME $CPU $BOTH; cat /etc/app/app.conf /etc/info/labels; cat /etc/hosts | tail -1; sleep 1000';
    await make(
      'config',
      {
        containers: [
          shell(script, {
            env: [
              { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
              { name: 'BOTH', value: '$(COLOR)-$(NAME)-$$(NAME)' },
            ],
            resources: { limits: { cpu: '250m', memory: '64Mi' } },
            volumeMounts: [
              { name: 'app', mountPath: '/etc/app' },
              { name: 'info', mountPath: '/etc/info' },
            ],
          }),
        ],
        volumes: [
          { name: 'app', configMap: { name: 'settings' } },
          { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
      },
      { labels: { app: 'config' } },
    );
    const pod = await running('config');
    expect(pod.status?.qosClass).toBe('Guaranteed');
    await expect.poll(() => log('config')).toContain('\tconfig\n');
    const ip = pod.status?.podIP;
    expect(await log('config')).toBe(`blue ${ip} config 250 blue-config-$(NAME)\na=1\napp="config"${ip}\tconfig\n`);
    // What the map holds follows into the running container.
    await maps.namespace('default').patch('settings', 'merge', { data: { 'app.conf': 'a=2\n' } });
    const id = pod.status!.containerStatuses![0]!.containerID!.replace('containerd://', '');
    const read = async () =>
      Buffer.from((await node.runtime.execSync(id, ['cat', '/etc/app/app.conf'], 5)).stdout).toString();
    await expect.poll(read).toBe('a=2\n');
    await pods.delete('config');
    await gone('config');
  });

  it('runs init containers in order, then a job to its end', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    await make('job', {
      restartPolicy: 'Never',
      initContainers: [
        { ...shell('echo one >> /shared/log', { volumeMounts }), name: 'first' },
        { ...shell('echo two >> /shared/log', { volumeMounts }), name: 'second' },
      ],
      containers: [shell('cat /shared/log; echo done > /dev/termination-log; exit 3', { volumeMounts })],
      volumes: [{ name: 'shared', emptyDir: {} }],
    });
    const pod = await until('job', (p) => p.status?.phase === 'Failed', 'failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
      message: 'done\n',
    });
    expect(pod.status?.initContainerStatuses?.map((s) => s.state?.terminated?.reason)).toEqual([
      'Completed',
      'Completed',
    ]);
    expect(await log('job')).toBe('one\ntwo\n');
    await pods.delete('job');
    await gone('job');
  });

  it('restarts what crashes, with back-off', async () => {
    await make('crash', { containers: [shell('echo run; exit 1')] });
    const waiting = await until(
      'crash',
      (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
      'in back-off',
    );
    expect(waiting.status?.phase).toBe('Running');
    expect(waiting.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(1);
    await until('crash', (p) => (p.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2, 'restarted twice');
    expect(await log('crash', 'previous=true')).toBe('run\n');
    await pods.delete('crash', { gracePeriodSeconds: 0 });
    await gone('crash');
  });

  it('kills what fails its liveness probe, and holds back what is not ready', async () => {
    await make('probed', {
      containers: [
        shell('touch /tmp/ready; sleep 1000', {
          livenessProbe: {
            exec: { command: ['sh', '-c', 'test ! -e /tmp/sick'] },
            periodSeconds: 1,
            failureThreshold: 1,
          },
          readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 },
        }),
      ],
    });
    const pod = await until('probed', (p) => p.status?.containerStatuses?.[0]?.ready === true, 'ready');
    const id = pod.status!.containerStatuses![0]!.containerID!.replace('containerd://', '');
    await node.runtime.execSync(id, ['sh', '-c', 'rm /tmp/ready; touch /tmp/sick'], 5);
    await until('probed', (p) => p.status?.containerStatuses?.[0]?.restartCount === 1, 'restarted');
    await pods.delete('probed');
    await gone('probed');
  });

  it('says why an image cannot be had', async () => {
    await make('never', { containers: [shell('true', { image: 'nosuch:1', imagePullPolicy: 'Never' })] });
    const pod = await until('never', (p) => !!p.status?.containerStatuses?.[0]?.state?.waiting?.message, 'refused');
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'ErrImageNeverPull',
      message: 'Container image "nosuch:1" is not present with pull policy of Never',
    });
    await pods.delete('never');
    await gone('never');
  });

  it('loses no container when it is started anew', async () => {
    await make('steady', { containers: [shell('sleep 1000')] });
    const before = await running('steady');
    await kubelet.stop('keep');
    await startKubelet();
    await until('steady', (p) => p.status?.containerStatuses?.[0]?.ready === true, 'ready');
    await make('after', { containers: [shell('sleep 1000')] });
    await running('after');
    const after = await pods.get('steady');
    expect(after.status?.containerStatuses?.[0]).toEqual(before.status?.containerStatuses?.[0]);
    await Promise.all([pods.delete('steady'), pods.delete('after')]);
    await Promise.all([gone('steady'), gone('after')]);
  });
});
