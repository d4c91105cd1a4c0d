// Components in processes of their own, as an operator runs them: certificates and kubeconfigs on disk, TLS between them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigText } from '../../src/pki/kubeconfig.ts';
import { ensureClusterPki } from '../../src/pki/pki-files.ts';
import { kubectlPath } from '../support/oracles.ts';
import { execute, repository } from '../support/up.ts';

const dir = mkdtempSync(join(tmpdir(), 'skiff-components-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const running: ChildProcess[] = [];

interface Component {
  readonly process: ChildProcess;
  /** Resolves with the line of stderr that matches; rejects when the process ends before. */
  said(pattern: RegExp): Promise<string>;
}

function start(name: string, ...flags: string[]): Component {
  const child = spawn(process.execPath, [join(repository, 'bin', name), ...flags], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  running.push(child);
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiters) wake();
  });
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const line = lines.find((l) => pattern.test(l));
        if (line === undefined) return;
        waiters.delete(check);
        resolve(line);
      };
      waiters.add(check);
      child.once('exit', (code) => reject(new Error(`${name} ended (${code}):\n${lines.join('\n')}`)));
      check();
    });
  return { process: child, said };
}

function end(component: Component, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
  const gone = new Promise<number | string>((resolve) =>
    component.process.once('exit', (code, by) => resolve(code ?? by ?? 0)),
  );
  component.process.kill(signal);
  return gone;
}

let apiserver: Component;
let controllers: Component;
let scheduler: Component;
const kubeconfigs: Record<string, string> = {};
const ports = { controllers: 0, scheduler: 0 };
const elect = [
  '--leader-elect-lease-duration=3s',
  '--leader-elect-renew-deadline=2s',
  '--leader-elect-retry-period=200ms',
];

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const kubectl = async (...args: string[]): Promise<string> => {
  const env = { KUBECONFIG: kubeconfigs['admin'], KUBECACHEDIR: join(dir, 'cache') };
  const { code, stdout, stderr } = await execute(kubectlPath('1.36'), args, { env });
  expect(code, `kubectl ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
};

/** Two of them lead by turns here, and each needs a port of its own. */
const startControllers = (port = 0) =>
  start(
    'kube-controller-manager',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--kubeconfig=${kubeconfigs['controller-manager']}`,
    '--use-service-account-credentials',
    `--root-ca-file=${join(dir, 'ca.pem')}`,
    '--allocate-node-cidrs',
    '--cluster-cidr=10.244.0.0/16',
    ...elect,
  );

beforeAll(async () => {
  const pki = ensureClusterPki(join(dir, 'pki'), { nowMs: Date.now() });
  const ca = file('ca.pem', pki.ca.certPem);
  apiserver = start(
    'kube-apiserver',
    '--store=memory',
    '--bind-address=127.0.0.1',
    '--secure-port=0',
    `--tls-cert-file=${file('tls.pem', pki.apiserver.certPem)}`,
    `--tls-private-key-file=${file('tls.key', pki.apiserver.keyPem)}`,
    `--client-ca-file=${ca}`,
    `--service-account-signing-key-file=${file('sa.key', pki.serviceAccountKey.privatePem)}`,
  );
  const port = /:(\d+)$/.exec(await apiserver.said(/^serving on /))![1];
  const identities = {
    admin: 'super-admin',
    'controller-manager': 'controller-manager',
    scheduler: 'scheduler',
  } as const;
  for (const [name, identity] of Object.entries(identities))
    kubeconfigs[name] = file(
      `${name}.conf`,
      kubeconfigText({
        server: `https://127.0.0.1:${port}`,
        caPem: pki.ca.certPem,
        userName: name,
        credentials: pki.client(identity),
      }),
    );
  for (const name of ['controllers', 'scheduler'] as const) ports[name] = await freePort();
  controllers = startControllers(ports.controllers);
  scheduler = start(
    'kube-scheduler',
    `--kubeconfig=${kubeconfigs['scheduler']}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.scheduler}`,
    ...elect,
  );
  await Promise.all([controllers.said(/is running/), scheduler.said(/is running/)]);
});

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

describe('components alone', () => {
  it('make one cluster: pods are made and bound', async () => {
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'paper' },
      status: {
        allocatable: { cpu: '4', memory: '4Gi', pods: '10' },
        capacity: { cpu: '4', memory: '4Gi', pods: '10' },
        conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      },
    };
    await kubectl('create', '-f', file('node.json', JSON.stringify(node)));
    await kubectl('create', 'deployment', 'web', '--image=busybox:1.36', '--replicas=2');
    const scheduled = '--for=condition=PodScheduled';
    await kubectl('wait', '--for=create', 'pod', '-l', 'app=web', '--timeout=20s');
    await kubectl('wait', scheduled, 'pod', '-l', 'app=web', '--timeout=20s');
    expect(await kubectl('get', 'pod', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}')).toBe(
      'paper paper',
    );
    expect(await kubectl('get', 'node', 'paper', '-o', 'jsonpath={.spec.podCIDR}')).toBe('10.244.0.0/24');
    expect(await kubectl('get', 'cm', 'kube-root-ca.crt', '-o', 'jsonpath={.data}')).toContain('BEGIN CERTIFICATE');
  });

  it('tell how they are, and the rest to whoever may read it', async () => {
    const { certPem, keyPem } = ensureClusterPki(join(dir, 'pki'), { nowMs: Date.now() }).client('super-admin');
    const get = (port: number, path: string, credentials: object = {}) =>
      new Promise<{ status: number; body: string }>((resolve, reject) =>
        request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, ...credentials }, (response) => {
          let body = '';
          response
            .on('data', (chunk) => (body += chunk))
            .on('end', () => resolve({ status: response.statusCode!, body }));
        })
          .on('error', reject)
          .end(),
      );
    const admin = { cert: certPem, key: keyPem };
    for (const port of [ports.controllers, ports.scheduler]) {
      expect(await get(port, '/healthz')).toEqual({ status: 200, body: 'ok' });
      const refused = await get(port, '/metrics');
      expect([refused.status, JSON.parse(refused.body).message]).toEqual([
        403,
        'forbidden: User "system:anonymous" cannot get path "/metrics"',
      ]);
      const unknown = await get(port, '/metrics', { headers: { authorization: 'Bearer nobody' } });
      expect([unknown.status, JSON.parse(unknown.body).message]).toEqual([401, 'Unauthorized']);
      expect((await get(port, '/metrics', admin)).body).toContain('process_cpu_seconds_total');
      expect((await get(port, '/flagz', admin)).body).toMatch(new RegExp(`secure-port\\W+${port}`));
      expect((await get(port, '/statusz', admin)).status).toBe(200);
      expect((await get(port, '/nothing', admin)).status).toBe(404);
    }
    expect((await get(ports.controllers, '/metrics', admin)).body).toMatch(
      /workqueue_adds_total\{name="deployment"\} [1-9]/,
    );
    const { body } = await get(ports.scheduler, '/configz', admin);
    expect(JSON.parse(body)).toHaveProperty(['kubescheduler.config.k8s.io']);
  });

  it('hand leadership over when the leader is killed', async () => {
    const second = startControllers();
    await second.said(/is running/);
    const holder = () =>
      kubectl('-n', 'kube-system', 'get', 'lease', 'kube-controller-manager', '-o', 'jsonpath={.spec.holderIdentity}');
    const before = await holder();
    await end(controllers, 'SIGKILL');
    controllers = second;
    await kubectl('scale', 'deployment/web', '--replicas=3');
    await kubectl('wait', '--for=jsonpath={.status.replicas}=3', 'deployment/web', '--timeout=30s');
    expect(await holder()).not.toBe(before);
  });

  it('refuse what they do not know, by name', async () => {
    const result = await execute(process.execPath, [
      join(repository, 'bin/kube-apiserver'),
      '--etcd-servers=http://127.0.0.1:2379',
    ]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--etcd-servers http://127.0.0.1:2379: not supported yet');
    const unknown = await execute(process.execPath, [join(repository, 'bin/kube-scheduler'), '--no-such-flag']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("unknown option '--no-such-flag'");
  });

  it('end with 0 at SIGTERM', async () => {
    expect(await end(scheduler)).toBe(0);
    expect(await end(controllers)).toBe(0);
    expect(await end(apiserver)).toBe(0);
  });
});
