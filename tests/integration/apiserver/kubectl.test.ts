/** What kubectl sees of the server around the objects: who may do what, tokens, discovery, health, bad requests. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../../src/testing/index.ts';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../../.oracles');

let cluster: Cluster;
let home: string;
let server: string | undefined;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  home = mkdtempSync(join(tmpdir(), 'skiff-apiserver-'));
  const kubeconfig = await cluster.kubeconfig();
  server = /server: "?([^"\n]+)/.exec(kubeconfig)?.[1];
  writeFileSync(join(home, 'config'), kubeconfig, { mode: 0o600 });
});
afterAll(async () => {
  await cluster?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

describe.each(['kubectl', 'kubectl-1.32'])('%s', (oracle) => {
  const program = join(oracles, oracle, 'usr/bin/kubectl');
  const namespace = oracle.replace('.', '-');

  test('is there', () => {
    expect(existsSync(program), `no ${program}: run "npm run oracles" (or set ORACLES to where they are)`).toBe(true);
  });

  const kubectl = (line: string, stdin = ''): Promise<{ code: number; text: string }> =>
    new Promise((done) => {
      const env = { ...process.env, HOME: home, KUBECONFIG: join(home, 'config') };
      const args = ['-n', namespace, ...line.split(' ')];
      const options = { env, timeout: 30_000, maxBuffer: 2 ** 26 };
      const child = execFile(program, args, options, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr }),
      );
      // A program that has read enough closes its input first.
      child.stdin?.on('error', () => {});
      // kubectl may end before it has read all of it; its exit code tells the story.
      child.stdin?.on('error', () => {});
      child.stdin?.end(stdin);
    });
  const succeeds = async (line: string, stdin?: string): Promise<string> => {
    const { code, text } = await kubectl(line, stdin);
    expect(code, `kubectl ${line}: ${text}`).toBe(0);
    return text.trim();
  };

  beforeAll(async () => {
    await succeeds(`create namespace ${namespace}`);
    await succeeds('create serviceaccount robot');
  });

  test('finds every resource, also by short names', async () => {
    const lines = (await succeeds('api-resources --no-headers')).split('\n');
    expect(lines.length).toBeGreaterThan(60);
    expect(lines.some((line) => /^deployments +deploy +apps\/v1 +true +Deployment$/.test(line))).toBe(true);
    expect(await succeeds('api-versions')).toContain('rbac.authorization.k8s.io/v1');
    await succeeds('get po,deploy,svc,cm,sa,ing,pvc,hpa,pdb,netpol');
    expect(await succeeds('get cs')).toMatch(/etcd-0 +Healthy +ok/);
  });

  test('sees the version and the health', async () => {
    expect(await succeeds('version')).toMatch(/Server Version: v1\.36\./);
    expect(await succeeds('get --raw /readyz?verbose')).toMatch(/readyz check passed$/);
    expect(await succeeds('get --raw /livez/ping')).toBe('ok');
    expect(await succeeds('get --raw /metrics')).toMatch(/^apiserver_request_total\{/m);
    expect((await kubectl('get --raw /nowhere')).text).toContain('the server could not find the requested resource');
  });

  test('asks who may do what', async () => {
    expect(await succeeds('auth can-i delete pods')).toBe('yes');
    expect(await succeeds('auth whoami')).toContain('system:authenticated');
    const denied = await kubectl(`auth can-i list secrets --as system:serviceaccount:${namespace}:robot`);
    expect([denied.code, denied.text.trim()]).toEqual([1, 'no']);
    await succeeds(`create rolebinding robot --clusterrole view --serviceaccount ${namespace}:robot`);
    const as = `--as system:serviceaccount:${namespace}:robot`;
    expect(await succeeds(`auth can-i list pods ${as}`)).toBe('yes');
    expect((await kubectl(`get secrets ${as}`)).text).toContain(
      `secrets is forbidden: User "system:serviceaccount:${namespace}:robot" cannot list resource "secrets" in API group "" in the namespace "${namespace}"`,
    );
    expect(await succeeds(`auth can-i --list ${as}`)).toContain('selfsubjectaccessreviews.authorization.k8s.io');
  });

  test('gets a token that the server takes', async () => {
    const token = await succeeds('create token robot --duration 10m');
    const anonymous = `--kubeconfig /dev/null --server ${server} --insecure-skip-tls-verify --token`;
    expect(await succeeds(`${anonymous} ${token} auth whoami`)).toContain(`system:serviceaccount:${namespace}:robot`);
    const refused = await kubectl(`${anonymous} ${token}x auth whoami`);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain('You must be logged in to the server');
  });

  test('waits for what changes', async () => {
    await succeeds('create configmap w --from-literal=a=b');
    const waited = succeeds('wait --for=delete configmap/w --timeout 10s');
    await succeeds('delete configmap w');
    await waited;
  });

  test('is told what is wrong with a request', async () => {
    const big = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"big"},"data":{"a":"${'x'.repeat(4 * 1024 * 1024)}"}}`;
    expect((await kubectl('create --validate=false -f -', big)).text).toContain(
      'Request entity too large: limit is 3145728',
    );
    expect((await kubectl(`create configmap ${'n'.repeat(300)}`)).text).toContain('must be no more than 253');
    expect((await kubectl(`get --raw /api/v1/namespaces/${namespace}/pods?watch=1&resourceVersion=x`)).text).toMatch(
      /Invalid|invalid/,
    );
    expect((await kubectl('logs nobody')).text).toContain('pods "nobody" not found');
  });
});
