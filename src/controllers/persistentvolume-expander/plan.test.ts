import { expect, test } from 'vitest';
import type { Claim, Volume } from '../../apis/core/volume-binding/binding.ts';
import { planExpand } from './plan.ts';

const claim = (wants: string, has: string): Claim => ({
  metadata: { name: 'c', namespace: 'n', uid: 'u' },
  spec: { volumeName: 'v', resources: { requests: { storage: wants } } },
  status: { phase: 'Bound', capacity: { storage: has } },
});
const volume = (source: object, claimUid = 'u', annotations: Record<string, string> = {}): Volume => ({
  metadata: { name: 'v', annotations },
  spec: { claimRef: { namespace: 'n', name: 'c', uid: claimUid }, ...source },
});
const csi = { csi: { driver: 'd', volumeHandle: 'h' } };
const external = { kind: 'external', message: 'waiting for an external controller to expand this PVC' };

test.each<[what: string, Claim, Volume, want: object]>([
  ['as large as it wants', claim('1Gi', '1Gi'), volume(csi), { kind: 'nothing' }],
  ['larger than it wants', claim('1Gi', '2Gi'), volume(csi), { kind: 'nothing' }],
  ['smaller', claim('2Gi', '1Gi'), volume(csi), external],
  ['smaller, of another kind', claim('2Gi', '1Gi'), volume({ hostPath: { path: '/d' } }), external],
  [
    'half grown',
    claim('2Gi', '2Gi'),
    volume(csi, 'u', { 'volume.alpha.kubernetes.io/pre-resize-capacity': '1Gi' }),
    external,
  ],
  [
    'smaller, of a plugin that is a driver now',
    claim('2Gi', '1Gi'),
    volume({ gcePersistentDisk: { pdName: 'p' } }),
    {
      kind: 'external',
      message: 'CSI migration enabled for kubernetes.io/gce-pd; waiting for external resizer to expand the pvc',
      resizer: 'pd.csi.storage.gke.io',
    },
  ],
  [
    "another's volume",
    claim('2Gi', '1Gi'),
    volume(csi, 'other'),
    { kind: 'unbound', message: 'persistent Volume is not bound to PVC being updated : n/c' },
  ],
])('a claim: %s', (_what, of, from, want) => {
  expect(planExpand(of, from)).toEqual(want);
});
