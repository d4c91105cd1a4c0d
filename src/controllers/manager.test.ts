import { expect, test } from 'vitest';
import { controllers } from './index.ts';
import { selectControllers } from './manager.ts';

test('controllers, have unique names in upstream form', () => {
  const names = controllers.flatMap((c) => [c.name, ...(c.alias ? [c.alias] : [])]);
  expect(new Set(names).size).toBe(names.length);
  for (const { name } of controllers) expect(name).toMatch(/^[a-z-]+-controller$/);
});

test.each<[string[] | undefined, (names: string[]) => void]>([
  [undefined, (names) => expect(names).toHaveLength(controllers.length)],
  [['*', '-deployment'], (names) => expect(names).not.toContain('deployment-controller')],
  [
    ['deployment', 'replicaset-controller'],
    (names) => expect(names).toEqual(['deployment-controller', 'replicaset-controller']),
  ],
  [[], (names) => expect(names).toEqual([])],
])('controllers %j, are selected', (names, check) => {
  check(selectControllers(names).map((c) => c.name));
});

test('controllers, an unknown name, is told', () => {
  expect(() => selectControllers(['*', '-nope'])).toThrow("'-nope' is not one; known are endpoints-controller");
});

/** Upstream v1.36's kube-controller-manager, in its order of registration. */
const upstream = [
  'serviceaccount-token',
  'endpoints',
  'endpointslice',
  'endpointslice-mirroring',
  'replicationcontroller',
  'pod-garbage-collector',
  'resourcequota',
  'namespace',
  'serviceaccount',
  'garbage-collector',
  'daemonset',
  'job',
  'podgroup-protection',
  'deployment',
  'replicaset',
  'horizontal-pod-autoscaler',
  'disruption',
  'statefulset',
  'cronjob',
  'certificatesigningrequest-signing',
  'certificatesigningrequest-approving',
  'certificatesigningrequest-cleaner',
  'podcertificaterequest-cleaner',
  'ttl',
  'bootstrap-signer',
  'token-cleaner',
  'node-ipam',
  'node-lifecycle',
  'persistentvolume-binder',
  'persistentvolume-attach-detach',
  'persistentvolume-expander',
  'clusterrole-aggregation',
  'persistentvolumeclaim-protection',
  'persistentvolume-protection',
  'volumeattributesclass-protection',
  'ttl-after-finished',
  'root-ca-certificate-publisher',
  'kube-apiserver-serving-clustertrustbundle-publisher',
  'ephemeral-volume',
  'storageversion-garbage-collector',
  'resourceclaim',
  'resourcepoolstatusrequest',
  'device-taint-eviction',
  'legacy-serviceaccount-token-cleaner',
  'validatingadmissionpolicy-status',
  'taint-eviction',
  'service-cidr',
  'storage-version-migrator',
  'selinux-warning',
].map((name) => `${name}-controller`);

test("controllers, are upstream's, in upstream's order", () => {
  const ours = new Set(controllers.map((c) => c.name));
  expect(controllers.map((c) => c.name)).toEqual(upstream.filter((name) => ours.has(name)));
});
