import { describe, expect, test } from 'vitest';
import type { PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import { planEphemeral } from './plan.ts';

const template = { metadata: { labels: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'] } };
const pod = (metadata: object = {}): Pod => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u', ...metadata },
  spec: {
    containers: [],
    volumes: [
      { name: 'plain', emptyDir: {} },
      { name: 'own', ephemeral: { volumeClaimTemplate: template } },
    ],
  },
});
const claim = (uid: string): PersistentVolumeClaim => ({
  metadata: {
    name: 'p-own',
    namespace: 'n',
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }],
  },
});

describe('ephemeral volumes', () => {
  test('get a claim of the template, owned by the pod', () => {
    const [plan, ...more] = planEphemeral(pod(), () => undefined);
    expect(more).toEqual([]);
    expect(plan).toMatchObject({
      kind: 'create',
      claim: {
        metadata: {
          name: 'p-own',
          labels: { a: 'b' },
          ownerReferences: [{ kind: 'Pod', name: 'p', uid: 'u', controller: true, blockOwnerDeletion: true }],
        },
        spec: { accessModes: ['ReadWriteOnce'] },
      },
    });
  });

  test.each<[what: string, Pod, PersistentVolumeClaim | undefined, kinds: string[]]>([
    ['have theirs', pod(), claim('u'), []],
    ['find the name taken', pod(), claim('other'), ['taken']],
    ['are of a pod that goes', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), undefined, []],
  ])('%s', (_what, of, there, kinds) => {
    expect(planEphemeral(of, (key) => (key === 'n/p-own' ? there : undefined)).map(({ kind }) => kind)).toEqual(kinds);
  });
});
