import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Surroundings } from '../client.ts';
import { equal, eventually, matches } from '../expect.ts';
import type { Step } from '../steps.ts';
import { webDeployment } from '../web.ts';
import type { Kubectl } from './kubectl.ts';

/** What only kubectl does, against the Deployment of the shared steps. */
export function ownSteps(kubectl: Kubectl, given: Surroundings): { readonly [name in Step]?: () => Promise<void> } {
  const { image, namespace, scratch } = given;
  const k = (...args: string[]) => kubectl.do(...args);
  return {
    async wait() {
      await k('wait', 'deployment/web', '--for=condition=Available', '--timeout=30s');
      await k('wait', 'pods', '-l', 'app=web', '--for=condition=Ready', '--timeout=30s');
      await k('wait', 'pods', '-l', 'app=web', '--for=jsonpath={.status.phase}=Running', '--timeout=30s');
      await k('rollout', 'restart', 'deployment/web');
      await k('rollout', 'status', 'deployment/web', '--timeout=60s');
      await k('create', 'configmap', 'awaited');
      await Promise.all([
        k('wait', 'configmap/awaited', '--for=delete', '--timeout=30s'),
        k('delete', 'configmap', 'awaited'),
      ]);
      await k('wait', 'configmap/later', '--for=create', '--timeout=1s').then(
        () => Promise.reject(new Error('kubectl wait --for=create ended well, though nothing was created')),
        () => {},
      );
    },
    async diff() {
      const compared = (replicas: number) => webDeployment(image, replicas, 'compared');
      await kubectl.given(compared(1), 'apply', '-f', '-');
      await kubectl.given(compared(1), 'diff', '-f', '-');
      const other = compared(3);
      await kubectl.refused(1, /^- {2}replicas: 1\n\+ {2}replicas: 3$/m, ['diff', '-f', '-'], other);
      await kubectl.refused(
        1,
        /^\+ {2}replicas: 3$/m,
        ['diff', '--server-side', '--force-conflicts', '-f', '-'],
        other,
      );
      equal('replicas', await k('get', 'deployment', 'compared', '-o', 'jsonpath={.spec.replicas}'), '1');
      await k('delete', 'deployment', 'compared');
    },
    async explain() {
      matches('a Pod', await k('explain', 'pods'), /^KIND:\s+Pod\nVERSION:\s+v1/m);
      const field = await k('explain', 'deployment.spec.strategy.rollingUpdate');
      matches('a field', field, /maxSurge\s+<IntOrString>/);
      matches('all fields', await k('explain', 'cronjob.spec', '--recursive'), /timeZone\s+<string>/);
      await kubectl.refused(1, /does not exist/, ['explain', 'pod.spec.nonsense']);
    },
    async 'can-i'() {
      equal('oneself', (await k('auth', 'can-i', 'delete', 'nodes')).trim().split('\n').at(-1), 'yes');
      const reader = `--as=system:serviceaccount:${namespace}:reader`;
      equal('a reader', (await k('auth', 'can-i', 'list', 'pods', reader)).trim(), 'yes');
      await kubectl.refused(1, /^no/, ['auth', 'can-i', 'delete', 'pods', reader]);
      matches('rules', await k('auth', 'can-i', '--list', reader), /^configmaps\s+\[\]\s+\[\]\s+\[get list watch\]/m);
    },
    async edit() {
      const web = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'edited' }, data });
      await kubectl.given(web({ a: '1', b: '2' }), 'apply', '-f', '-');
      await k('patch', 'configmap', 'edited', '--type=merge', '-p', '{"data":{"other":"kept"}}');
      await kubectl.given(web({ a: '1' }), 'apply', '-f', '-');
      equal('data', JSON.parse(await k('get', 'configmap', 'edited', '-o', 'jsonpath={.data}')), {
        a: '1',
        other: 'kept',
      });
      await k('label', 'configmap', 'edited', 'tier=back');
      await k('annotate', 'configmap', 'edited', 'note=a word');
      await kubectl.refused(1, /already has a value/, ['label', 'configmap', 'edited', 'tier=front']);
      await kubectl.given(web({ only: 'this' }), 'replace', '-f', '-');
      equal('replaced', JSON.parse(await k('get', 'configmap', 'edited', '-o', 'jsonpath={.data}')), { only: 'this' });
      const editor = join(scratch, 'editor.sh');
      writeFileSync(editor, '#!/bin/sh\nsed -i "s/only: this/only: that/" "$1"\n', { mode: 0o755 });
      await k('create', 'configmap', 'typed', '--from-literal=only=this');
      await kubectl.withEditor(editor, 'edit', 'configmap', 'typed');
      equal('edited', await k('get', 'configmap', 'typed', '-o', 'jsonpath={.data.only}'), 'that');
      await k('set', 'env', 'deployment/web', 'SET=yes');
      await k('set', 'resources', 'deployment/web', '--requests=cpu=10m');
      await k('rollout', 'status', 'deployment/web', '--timeout=60s');
      matches('revisions', await k('rollout', 'history', 'deployment/web'), /^REVISION/m);
      await k('rollout', 'undo', 'deployment/web');
      await k('rollout', 'status', 'deployment/web', '--timeout=60s');
      equal('undone', await k('get', 'deployment', 'web', '-o', 'jsonpath={..containers[0].resources}'), '{}');
    },
    async look() {
      const pod = (await k('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
      matches('describe', await k('describe', 'pod', pod), /Normal\s+Started\s+.*kubelet/);
      matches('events', await k('events', '--for', `pod/${pod}`), /Scheduled/);
      matches('a table', await k('get', 'deployment', 'web'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +\d\/\d/);
      matches('wide', await k('get', 'pods', '-o', 'wide'), /NOMINATED NODE/);
      const columns = 'custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image';
      matches('columns', await k('get', 'pod', pod, '-o', columns), new RegExp(`^${pod} +${image}$`, 'm'));
      matches('sorted', await k('get', 'pods', '--sort-by=.metadata.creationTimestamp', '-o', 'name'), /pod\/web/);
      matches('template', await k('get', 'pod', pod, '-o', 'go-template={{.metadata.name}}'), new RegExp(`^${pod}`));
      mkdirSync(join(scratch, 'copied'), { recursive: true });
      writeFileSync(join(scratch, 'copied', 'file'), 'carried\n');
      await k('cp', join(scratch, 'copied'), `${pod}:/tmp/copied`);
      equal('the file in the pod', await k('exec', pod, '--', 'cat', '/tmp/copied/file'), 'carried\n');
      await k('cp', `${pod}:/tmp/copied/file`, join(scratch, 'back'));
      equal('the file back', readFileSync(join(scratch, 'back'), 'utf8'), 'carried\n');
      await eventually('a run to its end', async () =>
        /said/.test(
          await k(
            'run',
            'once',
            `--image=${image}`,
            '--restart=Never',
            '--rm',
            '-i',
            '--',
            'sh',
            '-c',
            'sleep 1; echo said',
          ),
        ),
      );
    },
  };
}
