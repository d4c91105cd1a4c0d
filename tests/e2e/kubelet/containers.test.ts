import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod, Secret } from '../../../src/apis/generated/types/core/v1.ts';
import { containerdPids } from '../../../src/kubelet/runtime/containerd/containerd.ts';
import { containerId, shell, TestKubelet } from '../../support/kubelet.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: settings of real containers: ${missing}`);

const ended = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

describe.runIf(!missing)('settings of a real container', () => {
  let kubelet: TestKubelet;
  beforeAll(async () => {
    kubelet = await TestKubelet.create('containers', 14);
  });
  afterAll(async () => {
    await kubelet?.remove();
  });

  /** Runs a script to its end, and gives what it wrote. */
  const outputOf = async (name: string, script: string, container: object = {}, spec: object = {}): Promise<string> => {
    await kubelet.makePod(name, { restartPolicy: 'Never', containers: [shell(script, container)], ...spec });
    const pod = await kubelet.until(name, ended, 'ended');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    return kubelet.log(name);
  };

  it('runs as the user and groups asked for, with no more rights than given', async () => {
    const script = 'id -u; id -g; id -G; grep -E "NoNewPrivs|CapEff|Seccomp:" /proc/self/status; touch /x 2>&1; pwd';
    const out = await outputOf(
      'rights',
      script.replace('touch /x 2>&1', 'touch /x 2>&1 | grep -o Read-only'),
      {
        workingDir: '/tmp',
        securityContext: {
          runAsUser: 1000,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
      { securityContext: { runAsGroup: 3000, supplementalGroups: [4000], fsGroup: 2000 } },
    );
    const lines = out.split('\n');
    expect(lines.slice(0, 2)).toEqual(['1000', '3000']);
    expect(lines[2]!.split(' ').sort()).toEqual(['2000', '3000', '4000']);
    expect(out).toMatch(/CapEff:\s+0000000000000000\n/);
    expect(out).toMatch(/NoNewPrivs:\s+1\n/);
    expect(out).toMatch(/Seccomp:\s+2\n/);
    expect(lines.slice(-3)).toEqual(['Read-only', '/tmp', '']);
  });

  it('refuses to run as root what must not', async () => {
    await kubelet.makePod('noroot', {
      containers: [shell('true', { securityContext: { runAsNonRoot: true } })],
    });
    const pod = await kubelet.until(
      'noroot',
      (p) => !!p.status?.containerStatuses?.[0]?.state?.waiting?.message,
      'refused',
    );
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
      reason: 'CreateContainerConfigError',
      message: expect.stringContaining('container has runAsNonRoot and image will run as root'),
    });
  });

  it('limits memory, and says what the kernel killed', async () => {
    await kubelet.makePod('greedy', {
      restartPolicy: 'Never',
      containers: [shell('tail /dev/zero', { resources: { limits: { memory: '32Mi' } } })],
    });
    const pod = await kubelet.until('greedy', ended, 'ended');
    expect(pod.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
    });
  });

  it('mounts volumes: memory, sub-paths, secrets, modes and groups', async () => {
    const secrets = kubelet.server.client.resource<Secret>({ group: '', version: 'v1', resource: 'secrets' });
    await secrets.namespace('default').create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys' },
      data: { password: Buffer.from('s3cret').toString('base64'), other: 'eA==' },
    });
    const script = [
      'cat /keys/deep/pw; echo; ls /keys; stat -L -c "%a %g" /keys/deep/pw; cat /single; echo',
      'grep " /mem " /proc/mounts | grep -o "^tmpfs"; df -k /mem | tail -1 | awk "{print \\$2}"',
      'stat -c "%a %g" /data; touch /data/new; stat -c %g /data/new; echo sub > /sub/file; cat /data/inner/file',
      'touch /keys/x 2> /dev/null || echo readonly',
    ].join('\n');
    const out = await outputOf(
      'volumes',
      script,
      {
        securityContext: { runAsUser: 1000 },
        volumeMounts: [
          { name: 'keys', mountPath: '/keys' },
          { name: 'all', mountPath: '/single', subPath: 'password' },
          { name: 'mem', mountPath: '/mem' },
          { name: 'data', mountPath: '/data' },
          { name: 'data', mountPath: '/sub', subPath: 'inner' },
        ],
      },
      {
        securityContext: { fsGroup: 2000 },
        initContainers: [
          {
            ...shell('mkdir -p /data/inner; chmod 777 /data/inner', {
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            }),
            name: 'i',
          },
        ],
        volumes: [
          { name: 'keys', secret: { secretName: 'keys', items: [{ key: 'password', path: 'deep/pw', mode: 0o400 }] } },
          { name: 'all', projected: { sources: [{ secret: { name: 'keys' } }] } },
          { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
          { name: 'data', emptyDir: {} },
        ],
      },
    );
    // Whoever else has an account on the host sees nothing of it.
    for (const directory of ['pods', 'secrets'])
      expect(statSync(`${kubelet.node.dataDir}/${directory}`).mode & 0o007).toBe(0);
    expect(out.split('\n')).toEqual([
      's3cret',
      'deep',
      '440 2000',
      's3cret',
      'tmpfs',
      '8192',
      expect.stringMatching(/^2?777 2000$/),
      '2000',
      'sub',
      'readonly',
      '',
    ]);
  });

  it('waits for what it mounts, and goes on when it comes', async () => {
    const pod = { containers: [shell('sleep 1000')], volumes: [{ name: 'v', configMap: { name: 'late' } }] };
    await kubelet.makePod('late', pod);
    const waiting = await kubelet.until('late', (p) => !!p.status?.containerStatuses?.[0]?.state?.waiting, 'waiting');
    expect(waiting.status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
    });
    const maps = kubelet.server.client.resource({ group: '', version: 'v1', resource: 'configmaps' });
    await maps
      .namespace('default')
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' }, data: { a: 'b' } });
    await kubelet.running('late');
    await kubelet.pods.delete('late');
    await kubelet.gone('late');
  });

  it('shares namespaces with the node or among containers', async () => {
    const hostNetwork = await outputOf('hostnet', 'hostname; cat /etc/hosts | head -1', {}, { hostNetwork: true });
    expect(hostNetwork).toContain('# Kubernetes-managed hosts file (host network).');
    const own = await outputOf(
      'hostname',
      'hostname; cat /etc/resolv.conf | sort',
      {},
      { hostname: 'front', subdomain: 'shop' },
    );
    expect(own).toMatch(
      /^front\nnameserver 10\.96\.0\.10\noptions ndots:5\nsearch default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/m,
    );
    await kubelet.makePod('shared', {
      shareProcessNamespace: true,
      containers: [shell('sleep 1000'), { ...shell('sleep 2000'), name: 'second' }],
    });
    const pod = await kubelet.until(
      'shared',
      (p) => p.status?.containerStatuses?.every((s) => s.ready) === true,
      'ready',
    );
    expect(await kubelet.output(pod, ['ps', 'ax'])).toContain('sleep 2000');
    await kubelet.pods.delete('shared', { gracePeriodSeconds: 0 });
  });

  it('runs hooks: after the start, and before the end within the grace', async () => {
    const script = 'trap "echo term; exit 0" TERM; while true; do sleep 0.1; done';
    await kubelet.makePod('hooked', {
      terminationGracePeriodSeconds: 5,
      containers: [
        shell(script, {
          lifecycle: {
            postStart: { exec: { command: ['sh', '-c', 'echo started > /proc/1/fd/1'] } },
            preStop: { exec: { command: ['sh', '-c', 'echo stopping > /proc/1/fd/1'] } },
          },
        }),
      ],
    });
    await kubelet.running('hooked');
    const following = kubelet.log('hooked', 'follow=true');
    const startMs = Date.now();
    await kubelet.pods.delete('hooked');
    await kubelet.gone('hooked');
    expect(Date.now() - startMs).toBeLessThan(4500);
    expect(await following).toBe('started\nstopping\nterm\n');
  });

  it('starts sidecars first and ends them last', async () => {
    const side = shell('trap "echo end; exit 0" TERM; echo up; while true; do sleep 0.1; done', {
      restartPolicy: 'Always',
      startupProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
    });
    await kubelet.makePod('sidecar', {
      restartPolicy: 'Never',
      initContainers: [{ ...side, name: 'side' }],
      containers: [shell('sleep 1')],
    });
    const pod = await kubelet.until('sidecar', ended, 'ended');
    expect(pod.status?.phase).toBe('Succeeded');
    const [main, sidecar] = [pod.status!.containerStatuses![0]!, pod.status!.initContainerStatuses![0]!];
    expect(sidecar.state?.terminated?.exitCode).toBe(0);
    const time = (text: string | undefined) => Date.parse(text ?? '');
    expect(time(sidecar.state?.terminated?.startedAt)).toBeLessThanOrEqual(time(main.state?.terminated?.startedAt));
    expect(time(sidecar.state?.terminated?.finishedAt)).toBeGreaterThanOrEqual(
      time(main.state?.terminated?.finishedAt),
    );
  });

  it('ends a pod whose deadline has passed', async () => {
    await kubelet.makePod('deadline', { activeDeadlineSeconds: 1, containers: [shell('sleep 1000')] });
    const pod = await kubelet.until('deadline', ended, 'ended');
    expect(pod.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('lives through the death of containerd', async () => {
    await kubelet.makePod('survivor', { containers: [shell('sleep 1000')] });
    const before = await kubelet.running('survivor');
    const [pid] = containerdPids(kubelet.node.containerd.paths);
    process.kill(pid!, 'SIGKILL');
    await kubelet.makePod('newcomer', { containers: [shell('sleep 1000')] });
    await kubelet.running('newcomer');
    const after = await kubelet.pods.get('survivor');
    expect(containerId(after)).toBe(containerId(before));
    expect(after.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    // Ends are still noticed: the events are listened to anew.
    await kubelet.output(after, ['kill', '-9', '1']).catch(() => {});
    await kubelet.pods.delete('survivor');
    await kubelet.gone('survivor');
  });
});
