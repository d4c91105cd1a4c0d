import { describe, expect, test } from 'vitest';
import type { Claim, Volume } from '../../apis/core/volume-binding/binding.ts';
import { type ClaimPlan, finalizer, planClaim, planVolume } from './plan.ts';

const node = { name: 'n1', root: '/data/local-path' };
const storageClass = { metadata: { name: 'late' }, provisioner: 'skiff/local-path', reclaimPolicy: 'Delete' };

const marks = {
  'volume.kubernetes.io/storage-provisioner': 'skiff/local-path',
  'volume.kubernetes.io/selected-node': 'n1',
};
const claim = (spec: object = {}, annotations: Record<string, string> = marks): Claim => ({
  metadata: { name: 'data', namespace: 'default', uid: 'u1', annotations },
  spec: {
    storageClassName: 'late',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
});

describe('a claim', () => {
  const refuse = (why: RegExp) => ({ kind: 'refuse', why: expect.stringMatching(why) });
  const nothing = { kind: 'nothing' };
  test.each<[what: string, Claim, want: object]>([
    ['without a provisioner yet', claim({}, { 'volume.kubernetes.io/selected-node': 'n1' }), nothing],
    ['of another provisioner', claim({}, { ...marks, 'volume.kubernetes.io/storage-provisioner': 'x/y' }), nothing],
    ['for another node', claim({}, { ...marks, 'volume.kubernetes.io/selected-node': 'n2' }), nothing],
    ['that has its volume', claim({ volumeName: 'v' }), nothing],
    ['for many nodes', claim({ accessModes: ['ReadWriteMany'] }), refuse(/ReadWriteMany/)],
    ['for a device', claim({ volumeMode: 'Block' }), refuse(/Block/)],
    ['with a selector', claim({ selector: { matchLabels: { a: 'b' } } }), refuse(/selector/)],
    ['of a snapshot', claim({ dataSource: { kind: 'VolumeSnapshot', name: 's' } }), refuse(/dataSource/)],
  ])('%s', (_what, object, want) => {
    expect(planClaim(object, storageClass, node)).toEqual(want);
  });

  test('gets a directory of its own, pinned to the node, and a volume that is reserved for it', () => {
    const plan = planClaim(claim(), storageClass, node) as Extract<ClaimPlan, { kind: 'make' }>;
    expect(plan.path).toBe('/data/local-path/pvc-u1_default_data');
    expect(plan.volume).toMatchObject({
      metadata: {
        name: 'pvc-u1',
        finalizers: [finalizer],
        annotations: { 'pv.kubernetes.io/provisioned-by': 'skiff/local-path' },
      },
      spec: {
        capacity: { storage: '1Gi' },
        claimRef: { namespace: 'default', name: 'data', uid: 'u1' },
        local: { path: plan.path },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'late',
      },
    });
    expect(planVolume({ ...plan.volume, status: { phase: 'Bound' } }, node)).toEqual(nothing);
  });
});

describe('a volume', () => {
  const made = planClaim(claim(), storageClass, node) as Extract<ClaimPlan, { kind: 'make' }>;
  const volume = (phase: string, changes: { spec?: object; metadata?: object } = {}): Volume => ({
    metadata: { ...made.volume.metadata, ...changes.metadata },
    spec: { ...made.volume.spec, ...changes.spec },
    status: { phase },
  });
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const remove = { kind: 'remove', path: made.path };
  const nothing = { kind: 'nothing' };
  test.each<[what: string, Volume, want: object]>([
    ['in use', volume('Bound'), nothing],
    ['in use and deleted', volume('Bound', { metadata: going }), nothing],
    ['whose claim is gone', volume('Released'), remove],
    ['whose claim is gone, and deleted', volume('Released', { metadata: going }), remove],
    ['that nobody was bound to, deleted', volume('Available', { metadata: going }), remove],
    ['that is gone but for others', volume('Released', { metadata: { ...going, finalizers: ['x/y'] } }), nothing],
    ['that is retained', volume('Released', { spec: { persistentVolumeReclaimPolicy: 'Retain' } }), nothing],
    [
      'that is retained, and deleted',
      volume('Released', { spec: { persistentVolumeReclaimPolicy: 'Retain' }, metadata: going }),
      { kind: 'letGo' },
    ],
    ['of another provisioner', volume('Released', { metadata: { annotations: {} } }), nothing],
    [
      'that leads elsewhere',
      volume('Released', { spec: { local: { path: '/data/local-path/../../etc' } } }),
      { kind: 'refuse', why: expect.stringContaining('/data/local-path') },
    ],
    [
      'that is the root itself',
      volume('Released', { spec: { local: { path: '/data/local-path/..' } } }),
      { kind: 'refuse', why: expect.stringContaining('/data/local-path') },
    ],
  ])('%s', (_what, object, want) => {
    expect(planVolume(object, node)).toEqual(want);
  });
});
