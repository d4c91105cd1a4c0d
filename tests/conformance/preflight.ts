/** Refuses a cluster on which every test would fail for a reason that is not its own. */
import type { Namespace, Node, Pod, ServiceAccount } from '../../src/apis/generated/types/core/v1.ts';
import type { Client } from '../../src/client/client.ts';
import { messageOf } from '../../src/base/errors.ts';

const suite = 'registry.k8s.io/e2e-test-images';
/** What most tests run; pulling them here keeps that out of the first tests' time. */
const images = [`${suite}/agnhost:2.63.0`, `${suite}/nginx:1.15-4`, 'registry.k8s.io/pause:3.10.2'];
const patienceMs = 120_000;

/** Throws with the reason: nodes that are not ready, images that cannot be pulled, names that do not resolve. */
export async function preflight(client: Client, nodeCount: number): Promise<void> {
  const core = { group: '', version: 'v1' };
  const nodes = await client.resource<Node>({ ...core, resource: 'nodes' }).list();
  const ready = nodes.items.filter((node) =>
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  if (ready.length !== nodeCount)
    throw new Error(`${ready.length} of ${nodes.items.length} nodes are ready; the suite wants ${nodeCount}`);
  const namespace = 'conformance-preflight';
  const namespaces = client.resource<Namespace>({ ...core, resource: 'namespaces' });
  await namespaces.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const accounts = client.resource<ServiceAccount>({ ...core, resource: 'serviceaccounts' }).namespace(namespace);
  await until('the default ServiceAccount is not made', 30_000, async () => {
    await accounts.get('default');
    return undefined;
  });
  const pods = client.resource<Pod>({ ...core, resource: 'pods' }).namespace(namespace);
  const names = ready.map((node) => node.metadata.name ?? '');
  for (const name of names) await pods.create(probe(name));
  await Promise.all(
    names.map((name) =>
      until(`a pod on node ${name} does not run`, patienceMs, async () => {
        const pod = await pods.get(`probe-${name}`);
        return pod.status?.phase === 'Running' && pod.status.containerStatuses?.every(({ ready }) => ready)
          ? undefined
          : why(pod);
      }),
    ),
  );
  await namespaces.delete(namespace);
}

/** Asks the cluster's DNS before it starts, by every image that most tests run. */
function probe(nodeName: string): object {
  const ask = 'for i in 1 2 3 4 5; do nslookup kubernetes.default.svc.cluster.local && exit 0; sleep 1; done; exit 1';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `probe-${nodeName}` },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      initContainers: [{ name: 'dns', image: `${suite}/busybox:1.37.0-1`, command: ['sh', '-c', ask] }],
      containers: images.map((image, i) => ({ name: `image-${i}`, image, imagePullPolicy: 'Always' })),
    },
  };
}

function why(pod: Pod): string {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const waiting = state?.waiting;
    if (waiting?.reason && waiting.reason !== 'PodInitializing' && waiting.reason !== 'ContainerCreating')
      return `container ${name}: ${waiting.reason}: ${waiting.message ?? ''}`;
    if (state?.terminated && state.terminated.exitCode !== 0)
      return `container ${name} ended with exit code ${state.terminated.exitCode}`;
  }
  return `phase ${pod.status?.phase}`;
}

/** Asks again and again until `check` gives nothing; then what it said last is the reason. */
async function until(what: string, timeoutMs: number, check: () => Promise<string | undefined>): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const problem = await check().catch(messageOf);
    if (problem === undefined) return;
    if (performance.now() > endMs) throw new Error(`${what} after ${timeoutMs / 1000} s: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
