import { expect, test } from 'vitest';
import type { PersistentVolumeClaim } from '../../generated/types/core/v1.ts';
import { validateClaimUpdate } from './validation.ts';

const claim = (storageClassName: string | undefined, annotation?: string): PersistentVolumeClaim => ({
  metadata: {
    name: 'c',
    namespace: 'ns',
    ...(annotation === undefined ? {} : { annotations: { 'volume.beta.kubernetes.io/storage-class': annotation } }),
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...(storageClassName === undefined ? {} : { storageClassName }),
  },
  status: { phase: 'Pending' },
});

test.each<[string, PersistentVolumeClaim, PersistentVolumeClaim, boolean]>([
  ['given to one that named none', claim(undefined), claim('s'), true],
  ['changed', claim('s'), claim('t'), false],
  ['taken away', claim('s'), claim(undefined), false],
  ['given to one that chose none', claim(''), claim('s'), false],
  ['moved from the older annotation', claim(undefined, 's'), claim('s', 's'), true],
  ['other than in the older annotation', claim(undefined, 's'), claim('t', 's'), false],
])('the class of a claim, %s', (_, old, changed, allowed) => {
  expect(validateClaimUpdate(changed, old).map((error) => error.field)).toEqual(allowed ? [] : ['spec']);
});
