import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../src/apis/generated/types/core/v1.ts';
import type { VolumeAttributesClass } from '../../../src/apis/generated/types/storage.k8s.io/v1.ts';
import { isNotFound } from '../../../src/machinery/status/is.ts';
import type { KubeObject } from '../../../src/machinery/meta/object.ts';
import { world } from './support.ts';

async function storageWorld() {
  const w = await world();
  return {
    ...w,
    claims: w.cluster.client<PersistentVolumeClaim>('', 'v1', 'persistentvolumeclaims').namespace('default'),
    volumes: w.cluster.client<PersistentVolume>('', 'v1', 'persistentvolumes'),
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
