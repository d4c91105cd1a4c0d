// The control plane on hollow nodes, driven by both real kubectls.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UpCluster } from '../support/up.ts';

const cluster = new UpCluster();
beforeAll(async () => {
  await cluster.start('--runtime', 'hollow', '--nodes', '2');
});
afterAll(() => cluster.destroy());

describe.each(['1.36', '1.32'] as const)('kubectl %s', (version) => {
  const must = async (...args: string[]): Promise<string> => {
    const result = await cluster.kubectlOf(version, args);
    expect(
      result.code,
      `kubectl ${args.join(' ')}\n${result.stdout}${result.stderr}\n${cluster.log.slice(-2000)}`,
    ).toBe(0);
    return result.stdout;
  };

  it('lists nodes with their versions', async () => {
    const lines = (await must('get', 'nodes', '-o', 'wide')).trim().split('\n');
    expect(lines[0]).toMatch(/^NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION\s+INTERNAL-IP/);
    expect(lines).toHaveLength(3);
    for (const line of lines.slice(1)) expect(line).toMatch(/\sReady\s.*v1\.36\.\d+/);
  });

  it('rolls a deployment out, scales it, changes it and deletes it', async () => {
    await must('create', 'deployment', 'web', '--image=busybox:1.36', '--replicas=3', '--', 'sleep', '1000');
    await must('expose', 'deployment', 'web', '--port=80', '--target-port=8080');
    expect(await must('rollout', 'status', 'deployment/web')).toContain('successfully rolled out');
    await must('scale', 'deployment/web', '--replicas=5');
    expect(await must('rollout', 'status', 'deployment/web')).toContain('successfully rolled out');
    await must('set', 'env', 'deployment/web', 'A=1');
    expect(await must('rollout', 'status', 'deployment/web')).toContain('successfully rolled out');
    expect(await must('rollout', 'history', 'deployment/web')).toMatch(/^1\s.*\n2\s/m);
    const endpoints = await must(
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=web',
      '-o',
      'jsonpath={.items[*].endpoints[*].addresses[0]}',
    );
    expect(endpoints.split(' ')).toHaveLength(5);
    await must('delete', 'pod', '-l', 'app=web', '--wait');
    expect(await must('get', 'events')).toContain('ScalingReplicaSet');
    expect(await must('describe', 'pod', '--show-events=true')).toContain('Successfully assigned default/web-');
    await must('delete', 'deployment,svc', 'web');
    await must('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=60s');
  });

  it('creates, edits and removes what a manifest says', async () => {
    const manifest = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: red, "10": ten, "2": two}
`;
    const apply = (text: string) => cluster.kubectlOf(version, ['apply', '-f', '-'], text);
    expect((await apply(manifest)).stdout).toContain('configmap/settings created');
    expect((await apply(manifest.replace('red', 'blue'))).stdout).toContain('configmap/settings configured');
    expect(await must('-n', 'shop', 'get', 'cm', 'settings', '-o', 'jsonpath={.data}')).toBe(
      '{"10":"ten","2":"two","colour":"blue"}',
    );
    const strict = await apply(manifest.replace('\ndata:', '\ndta:'));
    expect(strict.stderr).toContain('unknown field "dta"');
    await must('delete', 'namespace', 'shop');
    expect((await cluster.kubectlOf(version, ['get', 'namespace', 'shop'])).stderr).toContain('NotFound');
  });

  it('explains, discovers and authorises', async () => {
    expect(await must('explain', 'clusterrolebinding.subjects.kind')).toMatch(/FIELD: kind/);
    expect(await must('api-resources')).toMatch(/^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/m);
    expect((await must('auth', 'can-i', 'create', 'pods')).trim()).toBe('yes');
    const asNobody = await cluster.kubectlOf(version, ['auth', 'can-i', 'create', 'pods', '--as', 'nobody']);
    expect(asNobody.stdout.trim()).toBe('no');
    const refused = await cluster.kubectlOf(version, ['get', 'pods', '--as', 'nobody']);
    expect(refused.stderr).toContain(
      'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });
});

describe('a stopped cluster', () => {
  it('goes on where it was', async () => {
    await cluster.must('create', 'configmap', 'kept', '--from-literal=a=1');
    const ip = await cluster.must('get', 'svc', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}');
    expect(await cluster.stop()).toBe(0);
    await cluster.start('--runtime', 'hollow', '--nodes', '2');
    expect(await cluster.must('get', 'cm', 'kept', '-o', 'jsonpath={.data.a}')).toBe('1');
    expect(await cluster.must('get', 'svc', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}')).toBe(ip);
  });

  it('loses nothing when it was killed', async () => {
    await cluster.must('create', 'configmap', 'kept-too', '--from-literal=a=2');
    expect(await cluster.stop('SIGKILL')).toBe('SIGKILL');
    await cluster.start('--runtime', 'hollow', '--nodes', '2');
    expect(await cluster.must('get', 'cm', 'kept-too', '-o', 'jsonpath={.data.a}')).toBe('2');
  });
});
