/** The resources that controllers read and write. */
import type { GroupVersionResource } from '../../machinery/meta/object.ts';

const core = (resource: string): GroupVersionResource => ({ group: '', version: 'v1', resource });
const apps = (resource: string): GroupVersionResource => ({ group: 'apps', version: 'v1', resource });

export const pods = core('pods');
export const nodes = core('nodes');
export const services = core('services');
export const endpoints = core('endpoints');
export const namespaces = core('namespaces');
export const configMaps = core('configmaps');
export const persistentVolumeClaims = core('persistentvolumeclaims');
export const serviceAccounts = core('serviceaccounts');
export const replicationControllers = core('replicationcontrollers');
export const resourceQuotas = core('resourcequotas');
export const secrets = core('secrets');
export const persistentVolumes = core('persistentvolumes');
export const replicaSets = apps('replicasets');
export const deployments = apps('deployments');
export const daemonSets = apps('daemonsets');
export const statefulSets = apps('statefulsets');
export const controllerRevisions = apps('controllerrevisions');
export const jobs: GroupVersionResource = { group: 'batch', version: 'v1', resource: 'jobs' };
export const cronJobs: GroupVersionResource = { group: 'batch', version: 'v1', resource: 'cronjobs' };
export const endpointSlices: GroupVersionResource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  resource: 'endpointslices',
};
export const leases: GroupVersionResource = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
export const clusterRoles: GroupVersionResource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resource: 'clusterroles',
};
export const podDisruptionBudgets: GroupVersionResource = {
  group: 'policy',
  version: 'v1',
  resource: 'poddisruptionbudgets',
};
export const storageClasses: GroupVersionResource = {
  group: 'storage.k8s.io',
  version: 'v1',
  resource: 'storageclasses',
};
export const volumeAttachments: GroupVersionResource = {
  group: 'storage.k8s.io',
  version: 'v1',
  resource: 'volumeattachments',
};
export const csiDrivers: GroupVersionResource = { group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers' };
export const volumeAttributesClasses: GroupVersionResource = {
  group: 'storage.k8s.io',
  version: 'v1',
  resource: 'volumeattributesclasses',
};
export const certificateSigningRequests: GroupVersionResource = {
  group: 'certificates.k8s.io',
  version: 'v1',
  resource: 'certificatesigningrequests',
};
export const subjectAccessReviews: GroupVersionResource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
};
