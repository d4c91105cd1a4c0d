/** What kubectl makes of our schema: explain, validation on both sides, apply's patches, YAML. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../../src/testing/index.ts';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../../.oracles');

let cluster: Cluster;
let home: string;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  home = mkdtempSync(join(tmpdir(), 'skiff-schema-'));
  writeFileSync(join(home, 'config'), await cluster.kubeconfig(), { mode: 0o600 });
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

  /** Exit code and all output. */
  const kubectl = (args: readonly string[], stdin = ''): Promise<{ code: number; text: string }> =>
    new Promise((done) => {
      const env = { ...process.env, HOME: home, KUBECONFIG: join(home, 'config') };
      const child = execFile(program, ['-n', namespace, ...args], { env, timeout: 30_000 }, (error, stdout, stderr) => {
        done({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr });
      });
      // kubectl may end before it has read all of it; its exit code tells the story.
      child.stdin?.on('error', () => {});
      child.stdin?.end(stdin);
    });
  const succeeds = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { code, text } = await kubectl(args, stdin);
    expect(code, text).toBe(0);
    return text;
  };

  const deployment = (spec: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [${spec}] }
`;

  test('creates a namespace of its own', async () => {
    await succeeds(['create', 'namespace', namespace]);
  });

  test('explains a field from its description, type and enum', async () => {
    const text = await succeeds(['explain', 'deployment.spec.strategy.type']);
    expect(text).toMatch(/GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n/);
    expect(text).toMatch(/FIELD: type <string>\n(?:ENUM:|enum:)\s+Recreate\s*,?\s*RollingUpdate/);
    expect(await succeeds(['explain', 'pod.spec.containers.resources.limits'])).toContain('<map[string]Quantity>');
    expect(await succeeds(['explain', 'svc.spec.ports', '--recursive'])).toMatch(/targetPort\t<IntOrString>/);
  });

  test('applies, and applies again by a strategic merge that knows the merge keys', async () => {
    await succeeds(['apply', '-f', '-'], deployment('{ name: a, image: "x:1" }, { name: b, image: "y:1" }'));
    const text = await succeeds(['apply', '-f', '-'], deployment('{ name: b, image: "y:2" }, { name: c, image: z }'));
    expect(text).toBe('deployment.apps/web configured\n');
    const path = 'jsonpath={range .spec.template.spec.containers[*]}{.name}={.image}:{.imagePullPolicy} {end}';
    expect(await succeeds(['get', 'deployment', 'web', '-o', path])).toBe('b=y:2:IfNotPresent c=z:Always ');
  });

  test('shows unknown fields as the server words them: refused when strict, warned of otherwise', async () => {
    const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, foo: 1 }\ndatas: { a: b }\n';
    const strict = await kubectl(['create', '-f', '-'], configMap);
    expect(strict.code).toBe(1);
    expect(strict.text).toContain(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "datas", unknown field "metadata.foo"',
    );
    const warned = await succeeds(['create', '--validate=warn', '-f', '-'], configMap);
    expect(warned).toContain('Warning: unknown field "datas"');
    expect(await succeeds(['get', 'configmap', 'a', '-o', 'yaml'])).not.toContain('datas');
  });

  test('shows a value of a wrong type as the decoder words it', async () => {
    const { text } = await kubectl(['create', '-f', '-'], deployment('{ name: a, image: yes }'));
    expect(text).toContain(
      'json: cannot unmarshal bool into Go struct field Container.spec.template.spec.containers.image of type string',
    );
  });

  test('keeps what JavaScript would lose', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd"},"data":{"__proto__":"x","10":"a","2":"<b>"}}';
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await succeeds(['create', '--raw', path, '-f', '-'], body);
    expect(await succeeds(['get', '--raw', `${path}/odd`])).toContain(
      '"data":{"10":"a","2":"\\u003cb\\u003e","__proto__":"x"}',
    );
    const twice = body.replace('"odd"', '"twice"').replace('"10":', '"2":"c","10":');
    const { text } = await kubectl(['create', '--raw', `${path}?fieldValidation=Strict`, '-f', '-'], twice);
    expect(text).toContain('strict decoding error: duplicate field "data.2"');
  });

  test('takes zero replicas for zero, not for absent', async () => {
    await succeeds(['patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"replicas":0}}']);
    expect(await succeeds(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}'])).toBe('0');
  });
});
