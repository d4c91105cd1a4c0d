/** What every cluster is asked to do, by kubectl, as its user sees it. */
import type { InteropCluster } from './cluster.ts';
import { busyboxImage } from '../support/images.ts';
import { execute } from './processes.ts';

export interface Step {
  readonly name: string;
  readonly run: (cluster: InteropCluster) => Promise<void>;
}

const web = (version: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web', version } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'httpd',
            image: busyboxImage,
            env: [{ name: 'VERSION', value: version }],
            command: [
              'sh',
              '-c',
              'mkdir /www; hostname > /www/index.html; echo "serving $VERSION"; exec httpd -f -p 8080 -h /www',
            ],
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
};

export const steps: readonly Step[] = [
  {
    name: 'three replicas become ready',
    run: async (cluster) => {
      await must(cluster, ['apply', '-f', '-'], web('one'));
      await rolledOut(cluster);
      await replicas(cluster, 3);
    },
  },
  {
    name: 'a Service answers, from the node and from a pod, by every replica',
    run: async (cluster) => {
      await must(cluster, ['apply', '-f', '-'], service);
      const address = await must(cluster, ['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
      const pods = await must(cluster, ['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}']);
      const wanted = pods.split(' ').sort();
      await answersBy(wanted, () => execute(['/bin/busybox', 'timeout', '3', 'wget', '-qO-', `http://${address}/`]));
      const inside = ['exec', wanted[0] ?? '', '--', 'timeout', '3', 'wget', '-qO-', `http://${address}/`];
      await answersBy(wanted, () => cluster.kubectl(inside));
    },
  },
  {
    name: 'scaled up and down',
    run: async (cluster) => {
      for (const count of [5, 2]) {
        await must(cluster, ['scale', 'deployment/web', `--replicas=${count}`]);
        await rolledOut(cluster);
        await replicas(cluster, count);
      }
    },
  },
  {
    name: 'rolled out anew',
    run: async (cluster) => {
      await must(cluster, ['apply', '-f', '-'], web('two'));
      await rolledOut(cluster);
      await replicas(cluster, 3);
      const versions = await must(cluster, [
        ...['get', 'pods', '-l', 'app=web', '--field-selector=status.phase=Running'],
        ...['-o', 'jsonpath={.items[*].metadata.labels.version}'],
      ]);
      if (versions !== 'two two two') throw new Error(`the pods are of versions ${versions}`);
    },
  },
  {
    name: 'logs and exec',
    run: async (cluster) => {
      const log = await must(cluster, ['logs', 'deployment/web']);
      if (!log.includes('serving two')) throw new Error(`the log is ${JSON.stringify(log.slice(0, 200))}`);
      const said = await must(cluster, ['exec', 'deployment/web', '--', 'sh', '-c', 'echo $VERSION']);
      if (said !== 'two') throw new Error(`exec said ${JSON.stringify(said.slice(0, 200))}`);
    },
  },
  {
    name: 'deleted and gone',
    run: async (cluster) => {
      const address = await must(cluster, ['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
      await must(cluster, ['delete', 'deployment/web', '--timeout=60s']);
      await cluster.until('the pods to be gone', ['get', 'pods', '-l', 'app=web', '-o', 'name'], (said) => said === '');
      await must(cluster, ['delete', 'service/web', '--timeout=60s']);
      const slices = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'name'];
      await cluster.until('the EndpointSlices to be gone', slices, (said) => said === '');
      const { code } = await execute(['/bin/busybox', 'timeout', '3', 'wget', '-qO-', `http://${address}/`]);
      if (code === 0) throw new Error('the Service still answers');
    },
  },
];

async function must(cluster: InteropCluster, args: readonly string[], input?: object): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, input && JSON.stringify(input));
  if (code !== 0) throw new Error(`kubectl ${args.slice(0, 3).join(' ')}: ${(stderr || stdout).trim().slice(0, 300)}`);
  return stdout.trim();
}

async function rolledOut(cluster: InteropCluster): Promise<void> {
  const status = await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=50s']);
  if (status.code === 0) return;
  const pods = await cluster.kubectl(['get', 'pods', '-l', 'app=web', '--no-headers']);
  throw new Error(
    `${(status.stderr || status.stdout).trim().split('\n').at(-1)}; pods: ${pods.stdout.trim().replace(/\s*\n\s*/g, '; ')}`,
  );
}

/** Those that are on their way out do not count. */
async function replicas(cluster: InteropCluster, count: number): Promise<void> {
  const counts = '{.status.replicas} {.status.readyReplicas} {.status.availableReplicas}';
  const wanted = [count, count, count].join(' ');
  const get = ['get', 'deployment', 'web', '-o', `jsonpath=${counts}`];
  await cluster.until(`${count} replicas`, get, (said) => said === wanted);
  const pods = ['get', 'pods', '-l', 'app=web', '-o', 'name'];
  await cluster.until(`${count} pods`, pods, (said) => said.split('\n').length === count);
}

/** Asks until each of `wanted` has answered. */
async function answersBy(
  wanted: readonly string[],
  ask: () => Promise<{ stdout: string; stderr: string }>,
): Promise<void> {
  const seen = new Set<string>();
  let last = '';
  for (let tries = 0; tries < 100 && seen.size < wanted.length; tries++) {
    const { stdout, stderr } = await ask();
    last = stdout.trim() || stderr.trim() || 'nothing';
    if (wanted.includes(stdout.trim())) seen.add(stdout.trim());
    else await new Promise((resolve) => setTimeout(resolve, 300));
  }
  if (seen.size < wanted.length)
    throw new Error(`of ${wanted.length} pods ${seen.size} answered; the last answer was ${last.slice(0, 200)}`);
}
