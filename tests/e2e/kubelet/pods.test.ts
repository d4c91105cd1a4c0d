import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigMap, Event, Node, Secret, Service } from '../../../src/apis/generated/types/core/v1.ts';
import { containerId, shell, TestKubelet } from '../../support/kubelet.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: the kubelet on real containers: ${missing}`);

describe.runIf(!missing)('a kubelet on a real containerd', () => {
  let kubelet: TestKubelet;
  beforeAll(async () => {
    kubelet = await TestKubelet.create('pods', 12);
  });
  afterAll(async () => {
    await kubelet?.remove();
  });

  it('registers its node and makes it ready', async () => {
    const nodes = kubelet.server.client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
    await expect
      .poll(
        async () =>
          (await nodes.get('n1').catch(() => undefined))?.status?.conditions?.find((c) => c.type === 'Ready')?.status,
      )
      .toBe('True');
    const { status } = await nodes.get('n1');
    expect(status?.nodeInfo?.containerRuntimeVersion).toMatch(/^containerd:\/\/\d+\.\d+\.\d+$/);
    expect(status?.daemonEndpoints?.kubeletEndpoint?.Port).toBe(kubelet.port);
    const leases = kubelet.server.client.resource({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' });
    expect(await leases.namespace('kube-node-lease').get('n1')).toMatchObject({ spec: { holderIdentity: 'n1' } });
  });

  it('runs a pod, tells of it, and takes it away without a trace', async () => {
    const startMs = Date.now();
    const { metadata } = await kubelet.makePod('web', { containers: [shell('echo hello; sleep 1000')] });
    const pod = await kubelet.running('web');
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
    expect(await kubelet.log('web')).toBe('hello\n');
    const directory = `${kubelet.node.dataDir}/pods/${metadata.uid}`;
    expect(existsSync(directory)).toBe(true);
    await kubelet.pods.delete('web');
    await kubelet.gone('web');
    await expect.poll(() => existsSync(directory)).toBe(false);
    expect(await kubelet.node.runtime.listPodSandbox({ labelSelector: { 'io.kubernetes.pod.name': 'web' } })).toEqual(
      [],
    );
    const events = await kubelet.server.client.resource<Event>({ group: '', version: 'v1', resource: 'events' }).list();
    const reasons = events.items.filter((e) => e.involvedObject.name === 'web').map((e) => e.reason);
    expect(reasons).toEqual(['Pulled', 'Created', 'Started', 'Killing']);
  });

  it('sets the variables that every container has, and those of Services (checklist 26, 28)', async () => {
    const services = kubelet.server.client.resource<Service>({ group: '', version: 'v1', resource: 'services' });
    const make = (name: string, port: number, clusterIP: string) =>
      services.namespace('default').create({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: { clusterIP, ports: [{ port, ...(name === 'kubernetes' && { name: 'https' }) }], selector: { a: 'b' } },
      });
    const [api, own] = await Promise.all([make('kubernetes', 443, '10.96.0.1'), make('my-service', 80, '10.96.0.2')]);
    await kubelet.makePod('vars', { containers: [shell('sleep 1000')] });
    const pod = await kubelet.running('vars');
    const lines = (await kubelet.output(pod, ['env'])).trim().split('\n');
    const [apiIp, ip] = [api.spec?.clusterIP, own.spec?.clusterIP];
    for (const line of [
      'HOSTNAME=vars',
      `KUBERNETES_SERVICE_HOST=${apiIp}`,
      'KUBERNETES_SERVICE_PORT=443',
      `MY_SERVICE_SERVICE_HOST=${ip}`,
      'MY_SERVICE_SERVICE_PORT=80',
      `MY_SERVICE_PORT=tcp://${ip}:80`,
      `MY_SERVICE_PORT_80_TCP=tcp://${ip}:80`,
      'MY_SERVICE_PORT_80_TCP_PROTO=tcp',
      'MY_SERVICE_PORT_80_TCP_PORT=80',
      `MY_SERVICE_PORT_80_TCP_ADDR=${ip}`,
    ])
      expect(lines).toContain(line);
    expect(lines.find((line) => line.startsWith('HOME='))).toMatch(/^HOME=\//);
    expect(lines.find((line) => line.startsWith('PATH='))).toMatch(/\/bin/);
    await kubelet.pods.delete('vars');
    await kubelet.gone('vars');
  });

  it('expands $(NAME) itself and leaves ${NAME} to the shell; envFrom and fields (checklist 29)', async () => {
    const objects = { apiVersion: 'v1', metadata: { name: 'given' } };
    const { client } = kubelet.server;
    await client
      .resource<ConfigMap>({ group: '', version: 'v1', resource: 'configmaps' })
      .namespace('default')
      .create({ ...objects, kind: 'ConfigMap', data: { FROM_MAP: 'map' } });
    await client
      .resource<Secret>({ group: '', version: 'v1', resource: 'secrets' })
      .namespace('default')
      .create({ ...objects, kind: 'Secret', stringData: { FROM_SECRET: 'secret' } });
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const env = [
      field('NODE_NAME', 'spec.nodeName'),
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
      { name: 'URL', value: 'http://$(POD_NAME).$(POD_NAMESPACE)' },
    ];
    const envFrom = [{ configMapRef: { name: 'given' } }, { secretRef: { name: 'given' } }];
    const script = 'echo $(POD_NAMESPACE) ${POD_NAMESPACE} $URL $NODE_NAME $POD_IP $FROM_MAP $FROM_SECRET; sleep 1000';
    await kubelet.makePod('env', { containers: [shell(script, { env, envFrom })] });
    const pod = await kubelet.running('env');
    const ip = pod.status?.podIP;
    await expect.poll(() => kubelet.log('env')).toBe(`default default http://env.default n1 ${ip} map secret\n`);
    await kubelet.pods.delete('env');
    await kubelet.gone('env');
  });

  it('gives variables and files from ConfigMaps, fields and resources', async () => {
    const maps = kubelet.server.client.resource<ConfigMap>({ group: '', version: 'v1', resource: 'configmaps' });
    await maps.namespace('default').create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { color: 'blue', 'app.conf': 'a=1\n' },
    });
    const script =
      'echo $COLOR $IP $NAME $CPU $BOTH; cat /etc/app/app.conf /etc/info/labels; cat /etc/hosts | tail -1; sleep 1000';
    await kubelet.makePod(
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
    const pod = await kubelet.running('config');
    expect(pod.status?.qosClass).toBe('Guaranteed');
    await expect.poll(() => kubelet.log('config')).toContain('\tconfig\n');
    const ip = pod.status?.podIP;
    expect(await kubelet.log('config')).toBe(
      `blue ${ip} config 250 blue-config-$(NAME)\na=1\napp="config"${ip}\tconfig\n`,
    );
    // What the map holds follows into the running container.
    await maps.namespace('default').patch('settings', 'merge', { data: { 'app.conf': 'a=2\n' } });
    const id = containerId(pod);
    const read = async () =>
      Buffer.from((await kubelet.node.runtime.execSync(id, ['cat', '/etc/app/app.conf'], 5)).stdout).toString();
    await expect.poll(read).toBe('a=2\n');
    await kubelet.pods.delete('config');
    await kubelet.gone('config');
  });

  it('runs init containers in order, then a job to its end', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    await kubelet.makePod('job', {
      restartPolicy: 'Never',
      initContainers: [
        { ...shell('echo one >> /shared/log', { volumeMounts }), name: 'first' },
        { ...shell('echo two >> /shared/log', { volumeMounts }), name: 'second' },
      ],
      containers: [shell('cat /shared/log; echo done > /dev/termination-log; exit 3', { volumeMounts })],
      volumes: [{ name: 'shared', emptyDir: {} }],
    });
    const pod = await kubelet.until('job', (p) => p.status?.phase === 'Failed', 'failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
      message: 'done\n',
    });
    expect(pod.status?.initContainerStatuses?.map((s) => s.state?.terminated?.reason)).toEqual([
      'Completed',
      'Completed',
    ]);
    expect(await kubelet.log('job')).toBe('one\ntwo\n');
    await kubelet.pods.delete('job');
    await kubelet.gone('job');
  });

  it('restarts what crashes, with back-off', async () => {
    await kubelet.makePod('crash', { containers: [shell('echo run; exit 1')] });
    const waiting = await kubelet.until(
      'crash',
      (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
      'in back-off',
    );
    expect(waiting.status?.phase).toBe('Running');
    expect(waiting.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(1);
    await kubelet.until('crash', (p) => (p.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2, 'restarted twice');
    expect(await kubelet.log('crash', 'previous=true')).toBe('run\n');
    await kubelet.pods.delete('crash', { gracePeriodSeconds: 0 });
    await kubelet.gone('crash');
  });

  it('never calls ready what its probe has not', async () => {
    const watch = new AbortController();
    const seen: (boolean | undefined)[] = [];
    const watching = (async () => {
      const options = { fieldSelector: 'metadata.name=unready', signal: watch.signal };
      for await (const batch of kubelet.pods.watch(options))
        for (const { object } of batch) seen.push(object.status?.containerStatuses?.[0]?.ready);
    })().catch(() => {});
    const readinessProbe = { exec: { command: ['false'] }, periodSeconds: 1 };
    await kubelet.makePod('unready', { containers: [shell('sleep 1000', { readinessProbe })] });
    const pod = await kubelet.running('unready');
    expect(pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    await kubelet.pods.delete('unready', { gracePeriodSeconds: 0 });
    watch.abort();
    await watching;
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).not.toContain(true);
  });

  it('kills what fails its liveness probe, and holds back what is not ready', async () => {
    await kubelet.makePod('probed', {
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
    const pod = await kubelet.until('probed', (p) => p.status?.containerStatuses?.[0]?.ready === true, 'ready');
    const id = containerId(pod);
    await kubelet.node.runtime.execSync(id, ['sh', '-c', 'rm /tmp/ready; touch /tmp/sick'], 5);
    await kubelet.until('probed', (p) => p.status?.containerStatuses?.[0]?.restartCount === 1, 'restarted');
    await kubelet.pods.delete('probed');
    await kubelet.gone('probed');
  });

  it('says why an image cannot be had', async () => {
    await kubelet.makePod('never', { containers: [shell('true', { image: 'nosuch:1', imagePullPolicy: 'Never' })] });
    const pod = await kubelet.until(
      'never',
      (p) => !!p.status?.containerStatuses?.[0]?.state?.waiting?.message,
      'refused',
    );
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'ErrImageNeverPull',
      message: 'Container image "nosuch:1" is not present with pull policy of Never',
    });
    await kubelet.pods.delete('never');
    await kubelet.gone('never');
  });

  it('loses no container when it is started anew', async () => {
    await kubelet.makePod('steady', { containers: [shell('sleep 1000')] });
    const before = await kubelet.running('steady');
    await kubelet.pause();
    const orphan = `${kubelet.node.dataDir}/pods/11111111-1111-1111-1111-111111111111/volumes`;
    mkdirSync(orphan, { recursive: true });
    await kubelet.start();
    await kubelet.until('steady', (p) => p.status?.containerStatuses?.[0]?.ready === true, 'ready');
    await expect.poll(() => existsSync(orphan)).toBe(false);
    await kubelet.makePod('after', { containers: [shell('sleep 1000')] });
    await kubelet.running('after');
    const after = await kubelet.pods.get('steady');
    expect(after.status?.containerStatuses?.[0]).toEqual(before.status?.containerStatuses?.[0]);
    await Promise.all([kubelet.pods.delete('steady'), kubelet.pods.delete('after')]);
    await Promise.all([kubelet.gone('steady'), kubelet.gone('after')]);
  });

  it('shows after a shutdown what a reboot would', async () => {
    await kubelet.makePod('server', { containers: [shell('sleep 1000')] });
    await kubelet.makePod('task', { restartPolicy: 'Never', containers: [shell('sleep 1000')] });
    await Promise.all([kubelet.running('server'), kubelet.running('task')]);
    await kubelet.shutDown();
    expect((await kubelet.pods.get('task')).status?.phase).toBe('Running');
    await kubelet.start();
    const restarted = await kubelet.until(
      'server',
      (p) => p.status?.containerStatuses?.[0]?.restartCount === 1 && p.status.containerStatuses[0].ready,
      'restarted',
    );
    expect(restarted.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
    const task = await kubelet.until('task', (p) => p.status?.phase === 'Failed', 'failed');
    expect(task.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137);
  });
});
