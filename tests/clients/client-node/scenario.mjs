// The clients' scenario with @kubernetes/client-node. What the steps mean is said in ../steps.ts.
import { createServer } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as k8s from '@kubernetes/client-node';

const namespace = process.env['CLIENTS_NAMESPACE'];
const image = process.env['CLIENTS_IMAGE'];
const config = new k8s.KubeConfig();
config.loadFromFile(process.env['KUBECONFIG']);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);

let failed = false;
async function step(name, work, seconds = 60) {
  try {
    await Promise.race([
      work(),
      sleep(seconds * 1000, undefined, { ref: false }).then(() => {
        throw new Error(`not within ${seconds} s`);
      }),
    ]);
    console.log(`${name}\tok\t`);
  } catch (error) {
    failed = true;
    console.log(`${name}\tfailed\t${String(error?.message ?? error).replace(/\s+/g, ' ')}`);
  }
}

function equal(what, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: got ${a}, want ${b}`);
}

async function eventually(what, check) {
  let last = 'it did not hold';
  for (let i = 0; i < 300; i++) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error.message;
    }
    await sleep(200);
  }
  throw new Error(`${what}: ${last}`);
}

/** The code that a request is refused with. */
async function refusal(request) {
  try {
    await request;
  } catch (error) {
    return error.code;
  }
  return 'no refusal';
}

/** A client of the same server that is known by a token, or not at all. */
function known(token) {
  const { server, caData, caFile } = config.getCurrentCluster();
  const other = new k8s.KubeConfig();
  other.loadFromClusterAndUser({ name: 'c', server, caData, caFile }, { name: 'u', ...(token ? { token } : {}) });
  return other;
}

const whoAmI = async (by) =>
  (await by.makeApiClient(k8s.AuthenticationV1Api).createSelfSubjectReview({ body: {} })).status.userInfo;
const patch = (body, strategy) =>
  apps.patchNamespacedDeployment({ name: 'web', namespace, body }, k8s.setHeaderOptions('Content-Type', strategy));
const available = (replicas) =>
  eventually(`${replicas} available replicas`, async () => {
    const { status, metadata } = await apps.readNamespacedDeployment({ name: 'web', namespace });
    return status.availableReplicas === replicas && status.observedGeneration === metadata.generation;
  });
async function runningPod() {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
  const pod = items.find(({ metadata, status }) => !metadata.deletionTimestamp && status.phase === 'Running');
  if (!pod) throw new Error('no pod of the Deployment is running');
  return pod.metadata.name;
}

const program = `echo hello from $HOSTNAME
mkdir -p /tmp/www && echo served > /tmp/www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait`;

await step('certificate', async () => {
  const { groups } = await whoAmI(config);
  if (!groups.includes('system:authenticated')) throw new Error(`its groups are ${groups}`);
  const anonymous = known().makeApiClient(k8s.CoreV1Api);
  equal('without a certificate', await refusal(anonymous.listNamespacedPod({ namespace: 'default' })), 403);
});

await step('discovery', async () => {
  const { groups } = await config.makeApiClient(k8s.ApisApi).getAPIVersions();
  if (!groups.some(({ name }) => name === 'apps')) throw new Error('no group apps');
  const { resources } = await apps.getAPIResources();
  const deployments = resources.find(({ name }) => name === 'deployments');
  equal('short names', deployments?.shortNames, ['deploy']);
});

await step('create', async () => {
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const labels = { app: 'web' };
  const container = { name: 'web', image, command: ['sh', '-c', program], ports: [{ containerPort: 8080 }] };
  const body = {
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } },
    },
  };
  await apps.createNamespacedDeployment({ namespace, body });
  equal('creating it again', await refusal(apps.createNamespacedDeployment({ namespace, body })), 409);
  await available(1);
});

await step('token', async () => {
  const name = 'reader';
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await config.makeApiClient(k8s.RbacAuthorizationV1Api).createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
  const request = { spec: { audiences: [], expirationSeconds: 600 } };
  const { status } = await core.createNamespacedServiceAccountToken({ name, namespace, body: request });
  const reader = known(status.token);
  equal('the token’s user', (await whoAmI(reader)).username, `system:serviceaccount:${namespace}:reader`);
  const pods = reader.makeApiClient(k8s.CoreV1Api);
  await eventually('listing pods by token', async () => (await pods.listNamespacedPod({ namespace })).items.length > 0);
  const body = { metadata: { name: 'refused' } };
  equal('creating by token', await refusal(pods.createNamespacedConfigMap({ namespace, body })), 403);
  equal('a token that is none', await refusal(whoAmI(known('nonsense'))), 401);
});

await step('watch', async () => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  const seen = [];
  let broken;
  const watch = await new k8s.Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { labelSelector: 'step=watch', resourceVersion: metadata.resourceVersion },
    (type) => seen.push(type),
    (error) => (broken = error),
  );
  const body = { metadata: { name: 'watched', labels: { step: 'watch' } } };
  const made = await core.createNamespacedConfigMap({ namespace, body });
  const changed = { ...made, data: { changed: 'yes' } };
  await core.replaceNamespacedConfigMap({ name: 'watched', namespace, body: changed });
  const stale = core.replaceNamespacedConfigMap({ name: 'watched', namespace, body: changed });
  equal('updating from an old revision', await refusal(stale), 409);
  await core.deleteNamespacedConfigMap({ name: 'watched', namespace });
  await eventually('three events', async () => seen.length >= 3 || broken);
  watch.abort();
  equal('events', seen, ['ADDED', 'MODIFIED', 'DELETED']);
});

await step('apply', async () => {
  const apply = (data, fieldManager, force) =>
    core.patchNamespacedConfigMap(
      {
        name: 'applied',
        namespace,
        fieldManager,
        ...(force ? { force } : {}),
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, ...(data ? { data } : {}) },
      },
      k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.ServerSideApply),
    );
  const first = await apply({ key: 'one' }, 'first');
  const managers = first.metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
  equal('managers', managers, ['first Apply']);
  equal('another’s value', await refusal(apply({ key: 'two' }, 'second')), 409);
  equal('by force', (await apply({ key: 'two' }, 'second', true)).data, { key: 'two' });
  equal('left out', (await apply(undefined, 'second')).data ?? null, null);
});

await step('json-patch', async () => {
  const op = { op: 'add', path: '/metadata/annotations/clients.example~1json', value: 'yes' };
  const { metadata } = await patch([op], k8s.PatchStrategy.JsonPatch);
  equal('the annotation', metadata.annotations['clients.example/json'], 'yes');
  const test = { op: 'test', path: '/metadata/name', value: 'other' };
  equal('a test that does not hold', await refusal(patch([test], k8s.PatchStrategy.JsonPatch)), 422);
});

await step('merge-patch', async () => {
  const annotations = { 'clients.example/json': null, 'clients.example/merge': 'yes' };
  const { metadata } = await patch({ metadata: { annotations } }, k8s.PatchStrategy.MergePatch);
  const { 'clients.example/json': gone, 'clients.example/merge': there } = metadata.annotations;
  equal('annotations', [gone ?? null, there], [null, 'yes']);
});

await step('strategic-patch', async () => {
  const containers = [{ name: 'web', env: [{ name: 'PATCHED', value: 'yes' }] }];
  const { spec } = await patch({ spec: { template: { spec: { containers } } } }, k8s.PatchStrategy.StrategicMergePatch);
  const [container, ...more] = spec.template.spec.containers;
  equal('the container', [container.image, container.env.length, more.length], [image, 1, 0]);
  await available(1);
});

await step('list-chunks', async () => {
  const labelSelector = 'step=chunks';
  const make = (i) =>
    core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: `chunk-${String(i).padStart(2, '0')}`, labels: { step: 'chunks' } } },
    });
  for (let i = 0; i < 25; i++) await make(i);
  const sizes = [];
  const revisions = new Set();
  let _continue;
  do {
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 10, _continue });
    if (sizes.length === 0) await make(99);
    sizes.push(list.items.length);
    revisions.add(list.metadata.resourceVersion);
    _continue = list.metadata._continue;
  } while (_continue);
  equal('chunks', [sizes, revisions.size], [[10, 10, 5], 1]);
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector });
});

await step('scale', async () => {
  const named = { name: 'web', namespace };
  const scale = await apps.readNamespacedDeploymentScale(named);
  equal('the scale', [scale.spec.replicas, scale.status.selector], [1, 'app=web']);
  const body = { spec: { replicas: 2 } };
  const strategy = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  await apps.patchNamespacedDeploymentScale({ ...named, body }, strategy);
  await available(2);
});

await step('logs', async () => {
  const name = await runningPod();
  await eventually('the log', async () =>
    (await core.readNamespacedPodLog({ name, namespace })).includes(`hello from ${name}`),
  );
  const stream = new PassThrough();
  const following = await new k8s.Log(config).log(namespace, name, 'web', stream, { follow: true });
  for await (const text of stream) {
    if (String(text).includes('hello')) break;
  }
  following.abort();
});

await step('exec', async () => {
  const name = await runningPod();
  const texts = { stdout: '', stderr: '' };
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  for (const which of ['stdout', 'stderr']) streams[which].on('data', (data) => (texts[which] += data));
  const command = ['sh', '-c', 'head -c 10; echo to stderr >&2; exit 7'];
  const stdin = Readable.from([Buffer.from('from stdin')]);
  const status = await new Promise((done, fail) => {
    new k8s.Exec(config)
      .exec(namespace, name, 'web', command, streams.stdout, streams.stderr, stdin, false, done)
      .catch(fail);
  });
  equal('the exit code', status.details?.causes?.[0], { reason: 'ExitCode', message: '7' });
  equal('streams', texts, { stdout: 'from stdin', stderr: 'to stderr\n' });
});

await step('port-forward', async () => {
  const name = await runningPod();
  const forward = new k8s.PortForward(config);
  const server = createServer((socket) => void forward.portForward(namespace, name, [8080], socket, null, socket));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/index.html`, {
      headers: { connection: 'close' },
    });
    equal('the page', await answer.text(), 'served\n');
  } finally {
    server.close();
  }
});

await step('evict', async () => {
  const name = await runningPod();
  await core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name } } });
  await eventually('the pod gone', async () => (await refusal(core.readNamespacedPod({ name, namespace }))) === 404);
  await available(2);
});

await step('dynamic', async () => {
  const client = k8s.KubernetesObjectApi.makeApiClient(config);
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dynamic', namespace } };
  await client.create({ ...object, data: { a: 'b' } });
  const ssa = k8s.PatchStrategy.ServerSideApply;
  await client.patch({ ...object, data: { c: 'd' } }, undefined, undefined, 'dynamic', undefined, ssa);
  equal('data', (await client.read(object)).data, { a: 'b', c: 'd' });
  await client.delete(object);
});

await step('informers', async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
  const heard = [];
  for (const verb of ['add', 'update', 'delete'])
    informer.on(verb, ({ metadata }) => metadata.name === 'informed' && heard.push(verb));
  await informer.start();
  const body = { metadata: { name: 'informed' } };
  await core.createNamespacedConfigMap({ namespace, body });
  await core.replaceNamespacedConfigMap({ name: 'informed', namespace, body: { ...body, data: { a: 'b' } } });
  await eventually('the change', async () => informer.get('informed', namespace)?.data?.a === 'b');
  await core.deleteNamespacedConfigMap({ name: 'informed', namespace });
  await eventually('three calls', async () => heard.length >= 3);
  equal('calls', heard, ['add', 'update', 'delete']);
  await informer.stop();
});

await step('delete', async () => {
  await apps.deleteNamespacedDeployment({ name: 'web', namespace, propagationPolicy: 'Foreground' });
  const read = () => apps.readNamespacedDeployment({ name: 'web', namespace });
  await eventually('the Deployment gone', async () => (await refusal(read())) === 404);
  equal('pods', (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items.length, 0);
  await core.deleteNamespace({ name: namespace });
  await eventually('the namespace gone', async () => (await refusal(core.readNamespace({ name: namespace }))) === 404);
});

await core.deleteNamespace({ name: namespace }).catch(() => {});
process.exit(failed ? 1 : 0);
