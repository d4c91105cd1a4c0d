// Claims of the default StorageClass, by the real kubectl on real containers: what is written outlives the pod, not the claim.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostLeftovers } from '../support/leftovers.ts';
import { eventually, realFlags } from '../support/real-cluster.ts';
import { UpCluster } from '../support/up.ts';

const cluster = new UpCluster();
beforeAll(async () => {
  await cluster.start(...realFlags(cluster));
});
afterAll(() => cluster.destroy());

const apply = async (manifest: string) => {
  const { code, stderr } = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], manifest);
  expect(code, stderr).toBe(0);
};
const pod = (name: string, command: string, more = '', mount = '') => `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  ${more}
  containers:
  - {name: main, image: busybox:1.36, command: [sh, -c, ${JSON.stringify(command)}], volumeMounts: [{name: data, mountPath: /data${mount}}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`;
const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
`;
const finished = (name: string) =>
  cluster.must('wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=30s');
const root = () => {
  const nodes = join(cluster.dataDir, 'nodes');
  return join(nodes, readdirSync(nodes)[0]!, 'local-path');
};

it('keeps what a pod has written for the next one, and removes it with the claim', async () => {
  expect(await cluster.must('get', 'storageclass')).toMatch(
    /local-path \(default\)\s+skiff\/local-path\s+Delete\s+WaitForFirstConsumer/,
  );
  await apply(claim);
  expect(await cluster.must('get', 'pvc', 'data', '-o', 'jsonpath={.status.phase}')).toBe('Pending');
  await apply(pod('writer', 'echo kept > /data/file'));
  await finished('writer');
  const [directory] = readdirSync(root());
  expect(directory).toMatch(/^pvc-.*_default_data$/);
  expect(readFileSync(join(root(), directory!, 'file'), 'utf8')).toBe('kept\n');
  expect(statSync(join(root(), directory!)).mode & 0o777).toBe(0o777);
  await cluster.must('delete', 'pod', 'writer', '--timeout=20s');

  await apply(pod('reader', 'cat /data/file; touch /data/more || echo read-only', '', ', readOnly: true'));
  await finished('reader');
  expect(await cluster.must('logs', 'reader')).toContain('kept\n');
  expect(await cluster.must('logs', 'reader')).toContain('read-only');

  await cluster.must('delete', 'pvc', 'data', '--wait=false');
  // In use: it waits for its pod, which has ended but is still there.
  await cluster.must('delete', 'pod', 'reader', '--timeout=20s');
  await eventually('the volume and its directory are gone', async () => {
    const left = (await cluster.must('get', 'pv', '-o', 'name')).trim();
    return left === '' && !existsSync(join(root(), directory!)) ? true : undefined;
  });
});

it("is the group's that the pod names, and follows a StatefulSet's pod", async () => {
  await apply(`apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000, fsGroup: 2000}
      containers:
      - name: main
        image: busybox:1.36
        command: [sh, -c, 'echo $HOSTNAME >> /data/starts; sleep 1000']
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`);
  await cluster.must('rollout', 'status', 'statefulset/db', '--timeout=30s');
  await cluster.must('delete', 'pod', 'db-0', '--timeout=20s');
  await cluster.must('rollout', 'status', 'statefulset/db', '--timeout=30s');
  const starts = await eventually('the second start', async () => {
    const text = await cluster.must('exec', 'db-0', '--', 'cat', '/data/starts');
    return text.trim().split('\n').length === 2 ? text : undefined;
  });
  expect(starts).toBe('db-0\ndb-0\n');
  const [directory] = readdirSync(root());
  expect(statSync(join(root(), directory!)).gid).toBe(2000);
  await cluster.must('delete', 'statefulset', 'db', '--timeout=20s');
  await eventually('all is gone', async () => (readdirSync(root()).length === 0 ? true : undefined));
});

it('what a privileged pod mounts in a volume is seen by the node, and by a pod that asks for it', async () => {
  await apply(`apiVersion: v1
kind: Pod
metadata: {name: mounter}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: driver
    image: busybox:1.36
    securityContext: {privileged: true}
    command: [sh, -c, 'mkdir -p /v/inner; mount -t tmpfs none /v/inner; echo seen > /v/inner/file; sleep 1000']
    volumeMounts: [{name: shared, mountPath: /v, mountPropagation: Bidirectional}]
  - name: user
    image: busybox:1.36
    command: [sh, -c, 'until cat /v/inner/file; do sleep 0.1; done; sleep 1000']
    volumeMounts: [{name: shared, mountPath: /v, mountPropagation: HostToContainer}]
  volumes: [{name: shared, emptyDir: {}}]
`);
  await cluster.must('wait', '--for=condition=Ready', 'pod/mounter', '--timeout=30s');
  await eventually('the file is seen', async () =>
    (await cluster.must('logs', 'mounter', '-c', 'user')).includes('seen') ? true : undefined,
  );
  const mounted = () => readFileSync('/proc/self/mounts', 'utf8').includes('empty-dir/shared/inner');
  expect(mounted()).toBe(true);
  await cluster.must('delete', 'pod', 'mounter', '--timeout=20s');
  await eventually('nothing stays mounted', async () => (mounted() ? undefined : true));
});

it('leaves no mount behind', async () => {
  await cluster.stop();
  expect(hostLeftovers(cluster.dataDir)).toEqual([]);
});
