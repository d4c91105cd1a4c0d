import { expect, test } from 'vitest';
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import {
  type Claim,
  type Volume,
  boundClaim,
  boundVolume,
  unboundVolume,
  withStatus,
} from '../../apis/core/volume-binding/binding.ts';
import { defaultStorageClass } from './default-class.ts';
import { findVolume } from '../../apis/core/volume-binding/match.ts';
import { type ClaimState, planClaim } from './plan-claim.ts';
import { planReclaim, planVolume } from './plan-volume.ts';

const claim = (spec: object = {}, metadata: object = {}, status: object = { phase: 'Pending' }): Claim =>
  ({
    metadata: { namespace: 'ns', name: 'c', uid: 'c-1', ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 's',
      resources: { requests: { storage: '5Gi' } },
      ...spec,
    },
    status,
  }) as Claim;
const volume = (
  name: string,
  spec: object = {},
  metadata: object = {},
  status: object = { phase: 'Available' },
): Volume =>
  ({
    metadata: { name, ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 's',
      capacity: { storage: '5Gi' },
      persistentVolumeReclaimPolicy: 'Retain',
      ...spec,
    },
    status,
  }) as Volume;
const sized = (storage: string) => ({ capacity: { storage } });
const reserved = { claimRef: { namespace: 'ns', name: 'c' } };
const bound = { claimRef: { namespace: 'ns', name: 'c', uid: 'c-1' } };
const others = { claimRef: { namespace: 'ns', name: 'other', uid: 'o-1' } };

test.each<[string, Claim, Volume[], boolean, string | undefined]>([
  [
    'the smallest that is large enough',
    claim(),
    [volume('a', sized('20Gi')), volume('b', sized('6Gi')), volume('c', sized('1Gi'))],
    false,
    'b',
  ],
  ['the first by name of equals', claim(), [volume('b'), volume('a')], false, 'a'],
  [
    'fewer access modes before a better size',
    claim(),
    [volume('a', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), volume('b', sized('9Gi'))],
    false,
    'b',
  ],
  ['none of another access mode', claim({ accessModes: ['ReadWriteMany'] }), [volume('a')], false, undefined],
  ['none of another class', claim(), [volume('a', { storageClassName: 't' })], false, undefined],
  [
    'by the older annotation of the class',
    claim(),
    [volume('a', { storageClassName: 't' }, { annotations: { 'volume.beta.kubernetes.io/storage-class': 's' } })],
    false,
    'a',
  ],
  ['none of another mode', claim({ volumeMode: 'Block' }), [volume('a')], false, undefined],
  ['none of other attributes', claim({ volumeAttributesClassName: 'gold' }), [volume('a')], false, undefined],
  ['none that is being deleted', claim(), [volume('a', {}, { deletionTimestamp: 't' })], false, undefined],
  ['none that is not available yet', claim(), [volume('a', {}, {}, { phase: 'Pending' })], false, undefined],
  ["none that is another's", claim(), [volume('a', others)], false, undefined],
  [
    'by selector',
    claim({ selector: { matchLabels: { disk: 'ssd' } } }),
    [volume('a'), volume('b', sized('9Gi'), { labels: { disk: 'ssd' } })],
    false,
    'b',
  ],
  [
    'what is reserved, however large',
    claim(),
    [volume('a'), volume('b', { ...reserved, ...sized('90Gi') })],
    false,
    'b',
  ],
  [
    'not what was reserved for an earlier one of its name',
    claim(),
    [volume('a', { claimRef: { namespace: 'ns', name: 'c', uid: 'c-0' } })],
    false,
    undefined,
  ],
  ['nothing when the scheduler is to choose', claim(), [volume('a')], true, undefined],
  ['what is reserved even then', claim(), [volume('a'), volume('b', reserved)], true, 'b'],
])('a claim gets %s', (_, wanting, volumes, delayed, expected) => {
  expect(findVolume(wanting, volumes, delayed)?.metadata.name).toBe(expected);
});

const classes: Record<string, object> = {
  s: { provisioner: 'example.com/disk' },
  late: { provisioner: 'example.com/disk', volumeBindingMode: 'WaitForFirstConsumer' },
  none: { provisioner: 'kubernetes.io/no-provisioner' },
};
function plan(wanting: Claim, volumes: Volume[] = [], more: Partial<ClaimState> = {}) {
  const { kind, ...rest } = planClaim({
    claim: wanting,
    volumes,
    volume: (name) => volumes.find((v) => v.metadata.name === name),
    storageClass: (name) => classes[name] as StorageClass | undefined,
    defaultClass: undefined,
    waitingPods: [],
    ...more,
  });
  const { notice, volume: taken } = rest as { notice?: { reason: string; message: string }; volume?: Volume };
  return [kind, taken?.metadata.name ?? notice?.reason, notice?.message];
}
const done = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } };
const byController = { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } };
const onNode = { annotations: { 'volume.kubernetes.io/selected-node': 'n' } };
const noClass = 'no persistent volumes available for this claim and no storage class is set';
const otherClaim = 'volume "a" already bound to a different claim.';

test.each<[string, ReturnType<typeof plan>, unknown[]]>([
  ['with a volume that fits', plan(claim(), [volume('a')]), ['bind', 'a', undefined]],
  ['without one', plan(claim()), ['provision', undefined, undefined]],
  ['without a class', plan(claim({ storageClassName: '' })), ['wait', 'FailedBinding', noClass]],
  ['with no class named', plan(claim({ storageClassName: undefined })), ['wait', 'FailedBinding', noClass]],
  [
    'with no class named, once there is a default',
    plan(claim({ storageClassName: undefined }), [], { defaultClass: 's' }),
    ['assignClass', undefined, undefined],
  ],
  [
    'that wants no class, once there is a default',
    plan(claim({ storageClassName: '' }), [], { defaultClass: 's' }),
    ['wait', 'FailedBinding', noClass],
  ],
  [
    'of a class that is not there',
    plan(claim({ storageClassName: 'x' })),
    ['stuck', 'ProvisioningFailed', 'storageclass.storage.k8s.io "x" not found'],
  ],
  [
    'of a class without provisioner',
    plan(claim({ storageClassName: 'none' })),
    ['stuck', 'ProvisioningFailed', 'no volume plugin matched name: kubernetes.io/no-provisioner'],
  ],
  [
    'that waits for a pod',
    plan(claim({ storageClassName: 'late' })),
    ['wait', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding'],
  ],
  [
    'whose pod has no node',
    plan(claim({ storageClassName: 'late' }), [], { waitingPods: ['p'] }),
    ['wait', 'WaitForPodScheduled', 'waiting for pod p to be scheduled'],
  ],
  [
    'whose pods have no node',
    plan(claim({ storageClassName: 'late' }), [], { waitingPods: ['p', 'q'] }),
    ['wait', 'WaitForPodScheduled', 'waiting for pods p,q to be scheduled'],
  ],
  ['whose node is chosen', plan(claim({ storageClassName: 'late' }, onNode)), ['provision', undefined, undefined]],
  ['for a volume that is not there', plan(claim({ volumeName: 'a' })), ['wait', undefined, undefined]],
  ['for a volume that is free', plan(claim({ volumeName: 'a' }), [volume('a')]), ['bind', 'a', undefined]],
  [
    'for a volume that is too small',
    plan(claim({ volumeName: 'a' }), [volume('a', sized('1Gi'))]),
    ['wait', 'VolumeMismatch', 'Cannot bind to requested volume "a": requested PV is too small'],
  ],
  ['for a volume reserved for it', plan(claim({ volumeName: 'a' }), [volume('a', reserved)]), ['bind', 'a', undefined]],
  [
    "for another's volume",
    plan(claim({ volumeName: 'a' }), [volume('a', others)]),
    ['wait', 'FailedBinding', otherClaim],
  ],
  [
    "for another's volume, set by us",
    plan(claim({ volumeName: 'a' }, byController), [volume('a', others)]),
    ['stuck', 'FailedBinding', otherClaim],
  ],
  ['bound', plan(claim({ volumeName: 'a' }, done), [volume('a', bound)]), ['bind', 'a', undefined]],
  ['bound, its volume forgetful', plan(claim({ volumeName: 'a' }, done), [volume('a')]), ['bind', 'a', undefined]],
  [
    'bound, its volume gone',
    plan(claim({ volumeName: 'a' }, done)),
    ['lose', 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'],
  ],
  [
    'bound, its name gone',
    plan(claim({}, done)),
    ['lose', 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!'],
  ],
  [
    "bound to another's volume",
    plan(claim({ volumeName: 'a' }, done), [volume('a', others)]),
    ['lose', 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly'],
  ],
])('a claim %s', (_, found, expected) => {
  expect(found).toEqual(expected);
});

const dynamic = { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } };
test.each<[string, Volume, Claim | undefined, object]>([
  ['free', volume('a'), undefined, { kind: 'phase', phase: 'Available' }],
  ['reserved', volume('a', reserved), claim(), { kind: 'phase', phase: 'Available' }],
  ['bound', volume('a', bound), claim({ volumeName: 'a' }), { kind: 'phase', phase: 'Bound' }],
  ['whose claim has yet to follow', volume('a', bound), claim(), { kind: 'syncClaim' }],
  [
    'of the wrong mode',
    volume('a', { ...bound, volumeMode: 'Block' }),
    claim(),
    { kind: 'incompatible', claim: claim() },
  ],
  ['whose claim is gone', volume('a', bound), undefined, { kind: 'release' }],
  ['whose claim is bound elsewhere', volume('a', bound), claim({ volumeName: 'b' }), { kind: 'unbind' }],
  [
    'made for a claim that is bound elsewhere',
    volume('a', { ...bound, persistentVolumeReclaimPolicy: 'Delete' }, dynamic),
    claim({ volumeName: 'b' }),
    { kind: 'release' },
  ],
])('a volume %s', (_, of, owner, expected) => {
  expect(planVolume(of, owner)).toEqual(expected);
});

test.each<[string, object, object, string | undefined]>([
  ['Retain', {}, {}, undefined],
  ['Delete', {}, dynamic, undefined],
  ['Delete', { csi: { driver: 'd', volumeHandle: 'h' } }, {}, undefined],
  ['Delete', { local: { path: '/x' } }, {}, 'VolumeFailedDelete'],
  ['Recycle', {}, {}, 'VolumeFailedRecycle'],
  ['Burn', {}, {}, 'VolumeUnknownReclaimPolicy'],
])('reclaiming by %s, %j %j', (persistentVolumeReclaimPolicy, spec, metadata, reason) => {
  expect(planReclaim(volume('a', { ...spec, persistentVolumeReclaimPolicy }, metadata))?.reason).toBe(reason);
});

test('a binding, whole, is no further write, and can be taken back', () => {
  const taken = boundVolume(volume('a'), claim())!;
  expect(taken.spec?.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace: 'ns', name: 'c', uid: 'c-1' });
  expect(boundVolume(taken, claim())).toBeUndefined();
  const completed = boundClaim(claim(), taken)!;
  expect(completed.spec?.volumeName).toBe('a');
  expect(boundClaim(completed, taken)).toBeUndefined();
  const told = withStatus(completed, 'Bound', taken)!;
  expect(told.status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } });
  expect(withStatus(told, 'Bound', taken)).toBeUndefined();
  expect(unboundVolume(taken)).toMatchObject({ metadata: { annotations: {} } });
  expect(unboundVolume(taken).spec?.claimRef).toBeUndefined();
  const user = boundVolume(volume('a', reserved), claim())!;
  expect(user.metadata.annotations).toBeUndefined();
  expect(unboundVolume(user).spec?.claimRef).toMatchObject({ namespace: 'ns', name: 'c' });
  expect(unboundVolume(user).spec?.claimRef?.uid).toBeUndefined();
});

test('a status, once bound, keeps the size that the file system has', () => {
  const grown = volume('a', { ...bound, ...sized('9Gi') });
  const has = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } };
  expect(withStatus(claim({ volumeName: 'a' }, done, has), 'Bound', grown)).toBeUndefined();
  expect(withStatus(claim({}, {}, has), 'Lost')?.status).toEqual({ phase: 'Lost' });
});

test('the default class is the newest, of equally new ones the first by name', () => {
  const mark = (name: string, creationTimestamp: string, value = 'true') =>
    ({
      metadata: { name, creationTimestamp, annotations: { 'storageclass.kubernetes.io/is-default-class': value } },
    }) as unknown as StorageClass;
  expect(defaultStorageClass([])).toBeUndefined();
  expect(defaultStorageClass([mark('a', '2026-01-01T00:00:00Z', 'false')])).toBeUndefined();
  expect(
    defaultStorageClass([
      mark('a', '2026-01-01T00:00:00Z'),
      mark('c', '2026-01-02T00:00:00Z'),
      mark('b', '2026-01-02T00:00:00Z'),
    ]),
  ).toBe('b');
});
