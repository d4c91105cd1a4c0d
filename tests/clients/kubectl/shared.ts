import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Surroundings } from '../client.ts';
import { equal, eventually, matches } from '../expect.ts';
import type { Step } from '../steps.ts';
import { webDeployment } from '../web.ts';
import type { Kubectl } from './kubectl.ts';

type Work = { readonly [name in Step]?: () => Promise<void> };

/** The steps that every client shares, as a user types them. */
export function sharedSteps(kubectl: Kubectl, given: Surroundings): Work {
  const { namespace, image, scratch } = given;
  const k = (...args: string[]) => kubectl.do(...args);
  const available = (replicas: number) =>
    k('wait', 'deployment/web', `--for=jsonpath={.status.availableReplicas}=${replicas}`, '--timeout=60s');
  const annotations = async () =>
    JSON.parse(await k('get', 'deployment', 'web', '-o', 'json')).metadata.annotations as Record<string, string>;
  const configMap = (name: string, extra: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...extra,
  });

  return {
    async certificate() {
      const user = JSON.parse(await k('auth', 'whoami', '-o', 'json')).status.userInfo;
      matches('groups of the certificate’s user', user.groups.join(' '), /system:authenticated/);
      const config = JSON.parse(await k('config', 'view', '--raw', '-o', 'json'));
      config.users = [{ name: config.users[0].name, user: { username: 'nobody', password: 'none' } }];
      const anonymous = join(scratch, 'anonymous.conf');
      writeFileSync(anonymous, JSON.stringify(config));
      const { stderr } = await kubectl.try(['get', 'pods', '--namespace', 'default'], '', anonymous);
      matches('listing pods without a certificate', stderr, /Forbidden|Unauthorized|logged in/);
    },
    async discovery() {
      const resources = await k('api-resources', '--api-group=apps', '--no-headers');
      matches('kinds of the group apps', resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m);
      matches('group versions', await k('api-versions'), /^rbac\.authorization\.k8s\.io\/v1$/m);
      matches('the server’s version', await k('version'), /Server Version: v1\./);
    },
    async create() {
      await k('create', 'namespace', namespace);
      const answer = await kubectl.given(webDeployment(image), 'create', '-f', '-');
      matches('creating', answer, /deployment.apps\/web created/);
      await kubectl.refused(1, /AlreadyExists/, ['create', '-f', '-'], webDeployment(image));
      await available(1);
    },
    async token() {
      await k('create', 'serviceaccount', 'reader');
      await k('create', 'rolebinding', 'reader', '--clusterrole=view', `--serviceaccount=${namespace}:reader`);
      const token = (await k('create', 'token', 'reader', '--duration=10m')).trim();
      const as = async (text: string, ...args: string[]) => {
        const config = JSON.parse(await k('config', 'view', '--raw', '-o', 'json'));
        config.users = [{ name: config.users[0].name, user: { token: text } }];
        const file = join(scratch, 'token.conf');
        writeFileSync(file, JSON.stringify(config));
        return kubectl.try(args, '', file);
      };
      const whoami = await as(token, 'auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}');
      equal('the token’s user', whoami.stdout.trim(), `system:serviceaccount:${namespace}:reader`);
      await eventually('listing pods by token', async () => (await as(token, 'get', 'pods')).code === 0);
      matches(
        'creating by a reader’s token',
        (await as(token, 'create', 'configmap', 'no')).stderr,
        /Forbidden|forbidden/,
      );
      matches('a token that is none', (await as('nonsense', 'get', 'pods')).stderr, /Unauthorized|logged in/);
    },
    async watch() {
      await k('create', 'configmap', 'watched');
      const args = ['get', 'configmap', 'watched', '--watch', '--output-watch-events', '-o', 'json'];
      await kubectl.beside(args, async (line) => {
        await line(/"ADDED"/);
        await k('label', 'configmap', 'watched', 'step=watch');
        await line(/"MODIFIED"/);
        await k('delete', 'configmap', 'watched');
        await line(/"DELETED"/);
      });
    },
    async apply() {
      const wanted = (value: string) => configMap('applied', { data: { key: value } });
      const apply = ['apply', '--server-side', '-f', '-', '--field-manager'];
      await kubectl.given(wanted('one'), ...apply, 'first');
      await kubectl.refused(1, /conflict/i, [...apply, 'second'], wanted('two'));
      await kubectl.given(wanted('two'), ...apply, 'second', '--force-conflicts');
      equal('the value', await k('get', 'configmap', 'applied', '-o', 'jsonpath={.data.key}'), 'two');
      await kubectl.given(configMap('applied'), ...apply, 'second');
      equal('what its manager left out', await k('get', 'configmap', 'applied', '-o', 'jsonpath={.data.key}'), '');
    },
    async 'json-patch'() {
      const op = { op: 'add', path: '/metadata/annotations/clients.example~1json', value: 'yes' };
      await k('patch', 'deployment', 'web', '--type=json', '-p', JSON.stringify([op]));
      equal('the annotation', (await annotations())['clients.example/json'], 'yes');
      const test = [{ op: 'test', path: '/metadata/name', value: 'other' }];
      await kubectl.refused(1, /invalid|test/i, [
        'patch',
        'deployment',
        'web',
        '--type=json',
        '-p',
        JSON.stringify(test),
      ]);
    },
    async 'merge-patch'() {
      const patch = { metadata: { annotations: { 'clients.example/json': null, 'clients.example/merge': 'yes' } } };
      await k('patch', 'deployment', 'web', '--type=merge', '-p', JSON.stringify(patch));
      const now = await annotations();
      equal('annotations', [now['clients.example/json'], now['clients.example/merge']], [undefined, 'yes']);
    },
    async 'strategic-patch'() {
      const containers = [{ name: 'web', env: [{ name: 'PATCHED', value: 'yes' }] }];
      await k('patch', 'deployment', 'web', '-p', JSON.stringify({ spec: { template: { spec: { containers } } } }));
      const path = '{.spec.template.spec.containers[*].image} {.spec.template.spec.containers[*].env[*].name}';
      equal('the container', await k('get', 'deployment', 'web', '-o', `jsonpath=${path}`), `${image} PATCHED`);
      await k('rollout', 'status', 'deployment/web', '--timeout=60s');
    },
    async 'list-chunks'() {
      const names = Array.from({ length: 25 }, (_, i) => `chunk-${String(i).padStart(2, '0')}`);
      const items = names.map((name) => ({ ...configMap(name), metadata: { name, labels: { step: 'chunks' } } }));
      await kubectl.given({ apiVersion: 'v1', kind: 'List', items }, 'create', '-f', '-');
      const args = ['get', 'configmaps', '-l', 'step=chunks', '--chunk-size=10', '-o', 'name', '-v=6'];
      const { stdout, stderr } = await kubectl.try(args);
      equal('names', stdout.trim().split('\n').length, 25);
      equal('requests', stderr.split('\n').filter((line) => /limit=10/.test(line) && /200/.test(line)).length, 3);
      await k('delete', 'configmaps', '-l', 'step=chunks');
    },
    async scale() {
      await k('scale', 'deployment', 'web', '--current-replicas=1', '--replicas=2');
      await available(2);
    },
    async logs() {
      await eventually('the log', async () => /^hello from web-/m.test(await k('logs', 'deployment/web')));
      matches(
        'logs of a selector',
        await k('logs', '-l', 'app=web', '--prefix', '--tail=1'),
        /^\[pod\/web-.*\] hello from/m,
      );
    },
    async exec() {
      const args = ['exec', '-i', 'deployment/web', '--', 'sh', '-c', 'cat; echo to stderr >&2; exit 7'];
      const { code, stdout, stderr } = await kubectl.try(args, 'from stdin');
      equal('exit code and stdout', [code, stdout.trim()], [7, 'from stdin']);
      matches('stderr', stderr, /^to stderr$/m);
    },
    async 'port-forward'() {
      await kubectl.beside(['port-forward', 'deployment/web', ':8080', '--address', '127.0.0.1'], async (line) => {
        const port = /127\.0\.0\.1:(\d+) ->/.exec(await line(/Forwarding from/))?.[1];
        equal('the page', await (await fetch(`http://127.0.0.1:${port}/index.html`)).text(), 'served\n');
      });
    },
    async evict() {
      const node = await k('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].spec.nodeName}');
      const before = await k('get', 'pods', '-l', 'app=web', '-o', 'name');
      try {
        await k('drain', node, '--pod-selector=app=web', '--ignore-daemonsets', '--timeout=40s');
      } finally {
        await k('uncordon', node);
      }
      await available(2);
      const after = await k('get', 'pods', '-l', 'app=web', '-o', 'name');
      for (const pod of before.trim().split('\n'))
        if (after.includes(pod)) throw new Error(`${pod} was there before the drain and is still`);
    },
    async delete() {
      await k('delete', 'deployment', 'web', '--cascade=foreground', '--timeout=40s');
      equal('pods', (await k('get', 'pods', '-l', 'app=web', '-o', 'name')).trim(), '');
      await k('delete', 'namespace', namespace, '--timeout=60s');
      await kubectl.refused(1, /NotFound/, ['get', 'namespace', namespace]);
    },
  };
}
