import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../src/apis/generated/types/core/v1.ts';
import type {
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../../../src/apis/generated/types/storage.k8s.io/v1.ts';
import { isNotFound } from '../../../src/machinery/status/is.ts';
import type { KubeObject } from '../../../src/machinery/meta/object.ts';
import { world } from './support.ts';

async function storageWorld() {
  const w = await world();
  return {
    ...w,
    claims: w.cluster.client<PersistentVolumeClaim>('', 'v1', 'persistentvolumeclaims').namespace('default'),
    volumes: w.cluster.client<PersistentVolume>('', 'v1', 'persistentvolumes'),
    classes: w.cluster.client<StorageClass>('storage.k8s.io', 'v1', 'storageclasses'),
    attributes: w.cluster.client<VolumeAttributesClass>('storage.k8s.io', 'v1', 'volumeattributesclasses'),
  };
}

/** Whether it is there still. */
async function isThere(get: Promise<KubeObject>): Promise<boolean> {
  try {
    await get;
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

test('a class of volume attributes, deleted, stays until no claim names it', async () => {
  const w = await storageWorld();
  const made = await w.attributes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttributesClass',
    metadata: { name: 'gold' },
    driverName: 'example.com',
    parameters: { iops: '1000' },
  });
  expect(made.metadata.finalizers).toEqual(['kubernetes.io/vac-protection']);
  const claim = await w.claims.create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeAttributesClassName: 'gold',
      resources: { requests: { storage: '1Gi' } },
    },
  });
  expect(claim.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  await w.rest();
  await w.attributes.delete('gold');
  await w.rest();
  expect(await isThere(w.attributes.get('gold'))).toBe(true);
  await w.claims.delete('data');
  await w.rest();
  expect(await isThere(w.claims.get('data'))).toBe(false);
  expect(await isThere(w.attributes.get('gold'))).toBe(false);
  expect(w.cluster.errors).toEqual([]);
});

const claimOf = (name: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});
const volumeOf = (name: string, storage: string, spec: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage }, hostPath: { path: '/tmp/x' }, ...spec },
});

test('a claim gets the smallest volume, is told so, and leaves it released; one that a user took back serves again', async () => {
  const w = await storageWorld();
  await w.claims.create(claimOf('data', { storageClassName: '' }));
  await w.rest();
  expect((await w.claims.get('data')).status).toEqual({ phase: 'Pending' });
  await w.volumes.create(volumeOf('large', '20Gi'));
  await w.rest();
  const bound = await w.claims.get('data');
  expect(bound.spec!.volumeName).toBe('large');
  expect(bound.status).toMatchObject({ phase: 'Bound', capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'] });
  const volume = await w.volumes.get('large');
  expect(volume.status!.phase).toBe('Bound');
  expect(volume.spec!.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', name: 'data', uid: bound.metadata.uid });

  await w.volumes.delete('large');
  await w.rest();
  expect(await isThere(w.volumes.get('large'))).toBe(true);
  await w.claims.delete('data');
  await w.rest();
  expect(await isThere(w.volumes.get('large'))).toBe(false);

  await w.volumes.create(volumeOf('kept', '2Gi'));
  await w.claims.create(claimOf('first', { storageClassName: '' }));
  await w.rest();
  await w.claims.delete('first');
  await w.rest();
  expect((await w.volumes.get('kept')).status!.phase).toBe('Released');
  await w.claims.create(claimOf('second', { storageClassName: '' }));
  await w.rest();
  expect((await w.claims.get('second')).status!.phase).toBe('Pending');
  await w.volumes.patch('kept', 'merge', { spec: { claimRef: null } });
  await w.rest();
  expect((await w.claims.get('second')).spec!.volumeName).toBe('kept');
  expect(w.cluster.errors).toEqual([]);
});

test('many claims and volumes at once are bound one to one', async () => {
  const w = await storageWorld();
  const numbers = [...Array(30).keys()];
  await Promise.all(numbers.map((i) => w.claims.create(claimOf(`c-${i}`, { storageClassName: '' }))));
  await Promise.all(numbers.map((i) => w.volumes.create(volumeOf(`v-${i}`, `${1 + (i % 3)}Gi`))));
  await w.rest(30);
  const { items: claims } = await w.claims.list();
  expect(claims.map((c) => c.status!.phase)).toEqual(numbers.map(() => 'Bound'));
  expect(new Set(claims.map((c) => c.spec!.volumeName)).size).toBe(30);
  const { items: volumes } = await w.volumes.list();
  expect(volumes.map((v) => v.status!.phase)).toEqual(numbers.map(() => 'Bound'));
  expect(w.cluster.errors).toEqual([]);
});

test('a claim without a class gets the default one when there is one, and is handed to its provisioner', async () => {
  const w = await storageWorld();
  await w.claims.create(claimOf('early'));
  await w.rest();
  expect((await w.claims.get('early')).spec!.storageClassName).toBeUndefined();
  await w.classes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'disk', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'example.com/disk',
  });
  await w.rest();
  const early = await w.claims.get('early');
  expect(early.spec!.storageClassName).toBe('disk');
  expect(early.metadata.annotations).toMatchObject({
    'volume.kubernetes.io/storage-provisioner': 'example.com/disk',
    'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disk',
  });
  expect((await w.events('ExternalProvisioning'))[0]).toContain("external provisioner 'example.com/disk'");

  // What a provisioner does: a volume that names the claim, by UID.
  const { name, namespace, uid } = early.metadata;
  const made = volumeOf(`pvc-${uid}`, '1Gi', {
    storageClassName: 'disk',
    persistentVolumeReclaimPolicy: 'Delete',
    claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', name: name!, namespace: namespace!, uid: uid! },
  });
  made.metadata.annotations = { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' };
  await w.volumes.create(made);
  await w.rest();
  expect((await w.claims.get('early')).status!.phase).toBe('Bound');
  await w.claims.delete('early');
  await w.rest();
  // To be deleted by whoever made it.
  expect((await w.volumes.get(made.metadata.name!)).status!.phase).toBe('Released');
  expect(w.cluster.errors).toEqual([]);
});

test('a claim that waits for its first consumer says for whom, and takes a volume reserved for it', async () => {
  const w = await storageWorld();
  await w.classes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'late' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await w.volumes.create(volumeOf('free', '1Gi', { storageClassName: 'late' }));
  await w.claims.create(claimOf('data', { storageClassName: 'late' }));
  await w.rest();
  expect((await w.claims.get('data')).status!.phase).toBe('Pending');
  expect(await w.events('WaitForFirstConsumer')).toEqual(['waiting for first consumer to be created before binding']);
  await w.volumes.patch('free', 'merge', { spec: { claimRef: { namespace: 'default', name: 'data' } } });
  await w.rest();
  expect((await w.claims.get('data')).spec!.volumeName).toBe('free');
  expect(w.cluster.errors).toEqual([]);
});

test('a bound claim whose volume is taken away by force is lost', async () => {
  const w = await storageWorld();
  await w.volumes.create(volumeOf('disk', '1Gi'));
  await w.claims.create(claimOf('data', { storageClassName: '' }));
  await w.rest();
  await w.volumes.delete('disk');
  await w.volumes.patch('disk', 'merge', { metadata: { finalizers: null } });
  await w.rest();
  expect((await w.claims.get('data')).status).toEqual({ phase: 'Lost' });
  expect(await w.events('ClaimLost')).toEqual([
    'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  ]);
});

test('an ephemeral volume gets its claim, the pod its volume and node, and the claim goes with the pod', async () => {
  const w = await storageWorld();
  await w.classes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'late' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const nodeAffinity = {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-2'] }] },
      ],
    },
  };
  await w.volumes.create(
    volumeOf('disk', '1Gi', { storageClassName: 'late', nodeAffinity, persistentVolumeReclaimPolicy: 'Retain' }),
  );
  await w.rest();
  await w.pods.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: {
      containers: [{ name: 'c', image: 'web:1' }],
      volumes: [
        {
          name: 'scratch',
          ephemeral: {
            volumeClaimTemplate: {
              spec: {
                storageClassName: 'late',
                accessModes: ['ReadWriteOnce'],
                resources: { requests: { storage: '1Gi' } },
              },
            },
          },
        },
      ],
    },
  });
  await w.rest();
  const pod = await w.pods.get('p');
  expect(pod.spec!.nodeName).toBe('node-2');
  const claim = await w.claims.get('p-scratch');
  expect(claim.metadata.ownerReferences).toMatchObject([{ kind: 'Pod', name: 'p', uid: pod.metadata.uid }]);
  expect(claim.status!.phase).toBe('Bound');
  expect(claim.spec!.volumeName).toBe('disk');
  await w.pods.delete('p');
  await w.rest(60);
  expect(await isThere(w.claims.get('p-scratch'))).toBe(false);
  expect((await w.volumes.get('disk')).status!.phase).toBe('Released');
  expect(w.cluster.errors).toEqual([]);
});

test('a claim that is to grow is told who has to see to it', async () => {
  const w = await storageWorld();
  await w.classes.create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'growing' },
    provisioner: 'example.com/p',
    allowVolumeExpansion: true,
  });
  await w.volumes.create(volumeOf('disk', '1Gi', { storageClassName: 'growing' }));
  await w.claims.create(claimOf('data', { storageClassName: 'growing' }));
  await w.rest();
  await w.claims.patch('data', 'merge', { spec: { resources: { requests: { storage: '2Gi' } } } });
  await w.rest();
  expect(await w.events('ExternalExpanding')).toEqual(['waiting for an external controller to expand this PVC']);
  expect(w.cluster.errors).toEqual([]);
});

test('a CSI volume is attached to the node of its pod, and detached after it', async () => {
  const w = await storageWorld();
  const attachments = w.cluster.client<VolumeAttachment>('storage.k8s.io', 'v1', 'volumeattachments');
  const mark = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
  for (const name of ['node-1', 'node-2']) await w.nodes.patch(name, 'merge', { metadata: { annotations: mark } });
  const disk = volumeOf('disk', '1Gi', { csi: { driver: 'example.com', volumeHandle: 'h' } });
  delete disk.spec!.hostPath;
  await w.volumes.create(disk);
  await w.claims.create(claimOf('data', { storageClassName: '' }));
  await w.rest();
  await w.pods.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: {
      containers: [{ name: 'c', image: 'web:1' }],
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
  await w.rest();
  const nodeName = (await w.pods.get('p')).spec!.nodeName!;
  const { items } = await attachments.list();
  expect(items.map(({ spec }) => spec)).toEqual([
    { attacher: 'example.com', nodeName, source: { persistentVolumeName: 'disk' } },
  ]);
  // The driver's attacher has done it.
  await attachments.patch(items[0]!.metadata.name!, 'merge', { status: { attached: true } }, { subresource: 'status' });
  await w.rest();
  expect(await w.events('SuccessfulAttachVolume')).toEqual(['AttachVolume.Attach succeeded for volume "disk" ']);
  expect((await w.nodes.get(nodeName)).status!.volumesAttached).toEqual([
    { name: 'kubernetes.io/csi/example.com^h', devicePath: '' },
  ]);
  await w.pods.delete('p');
  await w.rest(60);
  expect((await attachments.list()).items).toEqual([]);
  expect((await w.nodes.get(nodeName)).status!.volumesAttached).toBeUndefined();
  expect(w.cluster.errors).toEqual([]);
});
