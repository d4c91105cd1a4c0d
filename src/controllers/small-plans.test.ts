/** Plans of a few lines: ttl, protection of claims and volumes, cleaning of certificate requests. */
import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../apis/generated/types/certificates.k8s.io/v1.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../apis/generated/types/core/v1.ts';
import { msUntilStale } from './certificatesigningrequest-cleaner/plan.ts';
import { planProtection } from './common/protection.ts';
import { claimsInUse } from './persistentvolumeclaim-protection/plan.ts';
import { planTtl, smallest } from './ttl/plan.ts';
import { timeText } from '../machinery/meta/time.ts';
import { classesOfClaim, classesOfVolume } from './volumeattributesclass-protection/plan.ts';

test('ttl grows with the cluster, and does not flip at its edges', () => {
  const seen: number[] = [];
  let state = smallest;
  for (const nodes of [1, 100, 101, 95, 89, 600, 470, 440, 20_000, 8_000, 1]) {
    state = planTtl(state, nodes);
    seen.push(state.ttlSeconds);
  }
  expect(seen).toEqual([0, 0, 15, 15, 0, 30, 30, 15, 600, 300, 0]);
});

test.each([
  ['new', {}, true, 'protect'],
  ['protected', { finalizers: ['f'] }, false, 'nothing'],
  ['deleted and used', { finalizers: ['f'], deletionTimestamp: 't' }, true, 'nothing'],
  ['deleted and unused', { finalizers: ['f'], deletionTimestamp: 't' }, false, 'release'],
  ['deleted without it', { deletionTimestamp: 't' }, false, 'nothing'],
])('an object %s: %4$s', (_name, metadata, used, step) => {
  expect(planProtection({ metadata }, 'f', () => used)).toBe(step);
});

test.each([
  ['on a node', { nodeName: 'n' }, 'Running', ['ns/c', 'ns/p-scratch']],
  ['without a node', {}, 'Pending', []],
  ['that has ended', { nodeName: 'n' }, 'Succeeded', []],
])('a pod %s uses claims %4$j', (_name, spec, phase, claims) => {
  const volumes = [
    { name: 'data', persistentVolumeClaim: { claimName: 'c' } },
    { name: 'scratch', ephemeral: {} },
    { name: 'tmp', emptyDir: {} },
  ];
  const pod = { metadata: { name: 'p', namespace: 'ns' }, spec: { ...spec, volumes }, status: { phase } };
  expect(claimsInUse(pod as unknown as Pod)).toEqual(claims);
});

test('classes of volume attributes, wanted, had and on the way, are in use', () => {
  const claim = (spec: object, status: object) =>
    classesOfClaim({ metadata: {}, spec, status } as PersistentVolumeClaim);
  const wanted = { volumeAttributesClassName: 'gold' };
  const modifyVolumeStatus = { status: 'InProgress', targetVolumeAttributesClassName: 'silver' };
  expect(claim({}, {})).toEqual([]);
  expect(claim({ volumeAttributesClassName: '' }, {})).toEqual([]);
  expect(claim(wanted, { currentVolumeAttributesClassName: 'gold' })).toEqual(['gold']);
  expect(claim(wanted, { currentVolumeAttributesClassName: 'lead', modifyVolumeStatus })).toEqual([
    'gold',
    'lead',
    'silver',
  ]);
  expect(classesOfVolume({ metadata: {}, spec: wanted } as PersistentVolume)).toEqual(['gold']);
  expect(classesOfVolume({ metadata: {}, spec: {} } as PersistentVolume)).toEqual([]);
});

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const minutesAgo = (minutes: number) => timeText(nowMs - minutes * 60_000);

test.each([
  ['pending', minutesAgo(60), [], 23 * 3_600_000],
  ['pending for a day', minutesAgo(1440), [], 0],
  ['approved', minutesAgo(600), [{ type: 'Approved', status: 'True', lastUpdateTime: minutesAgo(15) }], 45 * 60_000],
  ['denied long ago', minutesAgo(600), [{ type: 'Denied', status: 'True', lastUpdateTime: minutesAgo(90) }], 0],
])('a certificate request %s goes in %4$d ms', (_name, creationTimestamp, conditions, expected) => {
  const request = { metadata: { creationTimestamp }, status: { conditions } } as unknown as CertificateSigningRequest;
  expect(msUntilStale(request, nowMs)).toBe(expected);
});
