// What a user does, with both real kubectls and real containers: the first deployment, its Service, streams, deletion.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectlPath } from '../support/oracles.ts';
import { eventually, realFlags } from '../support/real-cluster.ts';
import { execute, type Output, UpCluster } from '../support/up.ts';

const cluster = new UpCluster();
beforeAll(async () => {
  await cluster.start(...realFlags(cluster));
});
afterAll(() => cluster.destroy());

describe.each(['1.36', '1.32'] as const)('kubectl %s', (version) => {
  const kubectl = (args: string[], input?: string): Promise<Output> => cluster.kubectlOf(version, args, input);
  const must = (...args: string[]): Promise<string> => mustWith(undefined, ...args);
  const mustWith = async (input: string | undefined, ...args: string[]): Promise<string> => {
    const result = await kubectl(args, input);
    const said = `kubectl ${args.join(' ')}\n${result.stdout}${result.stderr}\n${cluster.log.slice(-2000)}`;
    expect(result.code, said).toBe(0);
    return result.stdout;
  };
  const env = () => ({ KUBECONFIG: cluster.ready!.kubeconfig, KUBECACHEDIR: join(cluster.dataDir, 'kubectl-cache') });
  const podNames = async () =>
    (await must('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ').sort();

  it('sees a ready node with its runtime', async () => {
    const [header, node] = (await must('get', 'nodes', '-o', 'wide')).trim().split('\n');
    expect(header).toMatch(/CONTAINER-RUNTIME$/);
    expect(node).toMatch(/\sReady\s.*v1\.36\.\d+\s.*containerd:\/\/\d/);
  });

  it('rolls a deployment out whose three pods all answer behind its Service', async () => {
    // A shell as first process ignores SIGTERM unless told: without the trap each deletion would take its 30 s of grace.
    const script = 'trap "exit 0" TERM; echo started; hostname > /tmp/index.html; httpd -f -p 8080 -h /tmp & wait';
    await must('create', 'deployment', 'web', '--image=busybox:1.36', '--replicas=3', '--', 'sh', '-c', script);
    await must('expose', 'deployment', 'web', '--port=80', '--target-port=8080');
    expect(await must('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out');

    // The rollout ends with the last pod's readiness; slices and proxy follow within the proxy's sync period: ask until
    // three names were seen. What a container says before kubectl attached is lost: it waits for a line of input.
    const wget = 'wget -qO- http://web.default.svc.cluster.local | tee -a /tmp/seen';
    const enough = '[ $(sort -u /tmp/seen | wc -l) -eq 3 ]';
    const asking = `read go; for i in $(seq 1000); do ${wget}; ${enough} && break; done; sleep 0.1`;
    const probe = ['run', 'probe', '--image=busybox:1.36', '--restart=Never', '--rm', '-i', '--', 'sh', '-c', asking];
    const answers = (await mustWith('go\n', ...probe)).split('\n').filter((line) => line.startsWith('web-'));
    expect([...new Set(answers)].sort()).toEqual(await podNames());
    expect((await kubectl(['get', 'pod', 'probe'])).stderr).toContain('pods "probe" not found');
  });

  it('reads logs: at once, followed to their end, and of the container before', async () => {
    expect(await must('logs', 'deploy/web')).toContain('started\n');
    const counting = 'for i in 1 2 3; do echo line $i; sleep 0.3; done';
    await must('run', 'counter', '--image=busybox:1.36', '--restart=Never', '--', 'sh', '-c', counting);
    await must('wait', '--for=jsonpath={.status.phase}=Running', 'pod/counter', '--timeout=20s');
    expect(await must('logs', '-f', 'counter')).toBe('line 1\nline 2\nline 3\n');
    expect(await must('logs', 'counter', '--tail=1')).toBe('line 3\n');
    expect(await must('logs', 'counter', '--timestamps', '--tail=1')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 3\n$/);

    const once = 'echo run of $(cat /proc/sys/kernel/random/uuid); sleep 0.2; exit 7';
    await must('run', 'dying', '--image=busybox:1.36', '--restart=OnFailure', '--', 'sh', '-c', once);
    await eventually(
      'second run',
      async () => ((await must('get', 'pod', 'dying')).match(/\s[1-9]\d* \(/) ? true : undefined),
      20_000,
    );
    expect(await must('logs', 'dying', '--previous')).toMatch(/^run of [0-9a-f-]{36}\n$/);
    expect(await must('get', 'pod', 'dying', '-o', 'jsonpath={..lastState.terminated.exitCode}')).toBe('7');
    await eventually('CrashLoopBackOff', async () =>
      (await must('get', 'pod', 'dying')).includes('CrashLoopBackOff') ? true : undefined,
    );
    expect(await must('describe', 'pod', 'dying')).toMatch(
      /BackOff\s.*Back-off restarting failed container dying in pod/,
    );
    await must('delete', 'pod', 'counter', 'dying', '--wait');
  });

  it('executes commands: output, errors, exit codes, input, a terminal', async () => {
    expect(await podNames()).toContain((await must('exec', 'deploy/web', '--', 'hostname')).trim());
    const mixed = await kubectl(['exec', 'deploy/web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(mixed).toMatchObject({ code: 3, stdout: 'out\n' });
    expect(mixed.stderr).toMatch(/^err\ncommand terminated with exit code 3/);
    const big = 'x'.repeat(200_000);
    expect((await kubectl(['exec', '-i', 'deploy/web', '--', 'wc', '-c'], big)).stdout.trim()).toBe('200000');
    const missing = await kubectl(['exec', 'deploy/web', '--', 'nonesuch']);
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toMatch(/nonesuch.*not found/);

    const typed = `${kubectlPath(version)} exec -it deploy/web -- sh -c 'tty; sleep 0.5; stty size'`;
    const terminal = await execute('script', ['-qec', `stty rows 33 cols 77; ${typed}`, '/dev/null'], { env: env() });
    expect(terminal.stdout).toMatch(/\/dev\/pts\/\d+\r?\n[^3]*33 77/);
  });

  it('attaches to a running container', async () => {
    await must(
      'run',
      'echo',
      '--image=busybox:1.36',
      '--restart=Never',
      '-i',
      '--stdin',
      '--attach=false',
      '--',
      'sh',
      '-c',
      'read word; echo got $word',
    );
    await must('wait', '--for=condition=Ready', 'pod/echo', '--timeout=20s');
    expect((await kubectl(['attach', '-i', 'echo'], 'hello\n')).stdout).toContain('got hello');
    await must('delete', 'pod', 'echo', '--wait');
  });

  it('forwards a port', async () => {
    const child = spawn(kubectlPath(version), ['port-forward', 'svc/web', ':80'], {
      env: { ...process.env, ...env() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const port = await new Promise<number>((done, fail) => {
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          const found = /Forwarding from 127\.0\.0\.1:(\d+) -> 8080/.exec(said);
          if (found) done(Number(found[1]));
        });
        child.once('exit', (code) => fail(new Error(`port-forward ended with ${code}: ${said}`)));
      });
      const pods = await podNames();
      for (let i = 0; i < 3; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
        expect(response.status).toBe(200);
        expect(pods).toContain((await response.text()).trim());
      }
    } finally {
      const gone = new Promise((done) => child.once('exit', done));
      child.kill();
      await gone;
    }
  });

  it('copies files in and out', async () => {
    const [pod] = await podNames();
    const text = `${version}: ${'text '.repeat(50_000)}\n`;
    writeFileSync(join(cluster.dataDir, 'sent.txt'), text);
    await must('cp', join(cluster.dataDir, 'sent.txt'), `${pod}:/tmp/sent.txt`);
    await must('cp', `${pod}:/tmp/sent.txt`, join(cluster.dataDir, 'back.txt'));
    expect(readFileSync(join(cluster.dataDir, 'back.txt'), 'utf8')).toBe(text);
  });

  it('scales, changes and heals the deployment, and deletes it', async () => {
    await must('scale', 'deployment/web', '--replicas=5');
    expect(await must('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out');
    await must('set', 'env', 'deployment/web', 'A=1');
    expect(await must('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out');
    expect(await must('exec', 'deploy/web', '--', 'sh', '-c', 'echo $A')).toBe('1\n');
    await eventually('pods of the old template gone', async () => (await podNames()).length === 5 || undefined);
    const before = await podNames();
    await must('delete', 'pod', '-l', 'app=web', '--wait', '--timeout=60s');
    await must('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect((await podNames()).filter((name) => before.includes(name))).toEqual([]);

    const events = await must('get', 'events');
    for (const reason of [
      'ScalingReplicaSet',
      'SuccessfulCreate',
      'Scheduled',
      'Pulled',
      'Created',
      'Started',
      'Killing',
    ])
      expect(events).toContain(reason);
    const described = await must('describe', 'pod', '-l', 'app=web', '--show-events=true');
    expect(described).toMatch(/^Status:\s+Running$/m);
    expect(described).toMatch(/Container ID:\s+containerd:\/\/[0-9a-f]{64}/);
    expect(described).toMatch(/Successfully assigned default\/web-/);
    await must('delete', 'deployment,svc', 'web');
    await must('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=60s');
  });

  it('is told why an image cannot be had', async () => {
    // Nothing listens there: the refusal comes from this machine.
    await must('run', 'imageless', '--image=127.0.0.1:5999/none:1', '--restart=Never');
    const status = async () => (await must('get', 'pod', 'imageless')).split('\n')[1]!.split(/\s+/)[2];
    const seen = new Set<string>();
    await eventually('back-off', async () => {
      seen.add((await status())!);
      return seen.has('ImagePullBackOff') || undefined;
    });
    expect([...seen].filter((s) => !['Pending', 'ContainerCreating'].includes(s))).toContain('ImagePullBackOff');
    const described = await must('describe', 'pod', 'imageless');
    expect(described).toContain('Pulling image "127.0.0.1:5999/none:1"');
    expect(described).toMatch(/Failed to pull image "127\.0\.0\.1:5999\/none:1": .*connection refused/);
    expect(described).toContain('Error: ErrImagePull');
    expect(described).toContain('Back-off pulling image "127.0.0.1:5999/none:1"');
    await must('delete', 'pod', 'imageless', '--wait', '--timeout=20s');
  });

  it('leaves nothing behind for the next', async () => {
    expect(await must('get', 'pods')).toBe('');
  });
});
