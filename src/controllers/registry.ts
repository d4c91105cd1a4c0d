/**
 * The controllers of upstream v1.36's kube-controller-manager, in its order of registration (cmd/kube-controller-manager/app),
 * and which of them `--controllers` means. Those that are built are in index.ts.
 */
import type { ControllerDescriptor } from './context.ts';
import { controllers } from './index.ts';

export interface RegisteredController {
  readonly name: string;
  /** The older name that flags accept too. */
  readonly alias?: string;
  /** Runs only when it is named. */
  readonly offByDefault?: boolean;
  /** A cloud-controller-manager's: named here, never run here. */
  readonly cloud?: boolean;
  /** All of these must be open. */
  readonly gates?: readonly string[];
}

export const registry: readonly RegisteredController[] = [
  { name: 'serviceaccount-token-controller', alias: 'serviceaccount-token' },
  { name: 'endpoints-controller', alias: 'endpoint' },
  { name: 'endpointslice-controller', alias: 'endpointslice' },
  { name: 'endpointslice-mirroring-controller', alias: 'endpointslicemirroring' },
  { name: 'replicationcontroller-controller', alias: 'replicationcontroller' },
  { name: 'pod-garbage-collector-controller', alias: 'podgc' },
  { name: 'resourcequota-controller', alias: 'resourcequota' },
  { name: 'namespace-controller', alias: 'namespace' },
  { name: 'serviceaccount-controller', alias: 'serviceaccount' },
  { name: 'garbage-collector-controller', alias: 'garbagecollector' },
  { name: 'daemonset-controller', alias: 'daemonset' },
  { name: 'job-controller', alias: 'job' },
  { name: 'podgroup-protection-controller', gates: ['GenericWorkload'] },
  { name: 'deployment-controller', alias: 'deployment' },
  { name: 'replicaset-controller', alias: 'replicaset' },
  { name: 'horizontal-pod-autoscaler-controller', alias: 'horizontalpodautoscaling' },
  { name: 'disruption-controller', alias: 'disruption' },
  { name: 'statefulset-controller', alias: 'statefulset' },
  { name: 'cronjob-controller', alias: 'cronjob' },
  { name: 'certificatesigningrequest-signing-controller', alias: 'csrsigning' },
  { name: 'certificatesigningrequest-approving-controller', alias: 'csrapproving' },
  { name: 'certificatesigningrequest-cleaner-controller', alias: 'csrcleaner' },
  { name: 'podcertificaterequest-cleaner-controller', gates: ['PodCertificateRequest'] },
  { name: 'ttl-controller', alias: 'ttl' },
  { name: 'bootstrap-signer-controller', alias: 'bootstrapsigner', offByDefault: true },
  { name: 'token-cleaner-controller', alias: 'tokencleaner', offByDefault: true },
  { name: 'node-ipam-controller', alias: 'nodeipam' },
  { name: 'node-lifecycle-controller', alias: 'nodelifecycle' },
  { name: 'service-lb-controller', alias: 'service', cloud: true },
  { name: 'node-route-controller', alias: 'route', cloud: true },
  { name: 'cloud-node-lifecycle-controller', alias: 'cloud-node-lifecycle', cloud: true },
  { name: 'persistentvolume-binder-controller', alias: 'persistentvolume-binder' },
  { name: 'persistentvolume-attach-detach-controller', alias: 'attachdetach' },
  { name: 'persistentvolume-expander-controller', alias: 'persistentvolume-expander' },
  { name: 'clusterrole-aggregation-controller', alias: 'clusterrole-aggregation' },
  { name: 'persistentvolumeclaim-protection-controller', alias: 'pvc-protection' },
  { name: 'persistentvolume-protection-controller', alias: 'pv-protection' },
  { name: 'volumeattributesclass-protection-controller', gates: ['VolumeAttributesClass'] },
  { name: 'ttl-after-finished-controller', alias: 'ttl-after-finished' },
  { name: 'root-ca-certificate-publisher-controller', alias: 'root-ca-cert-publisher' },
  { name: 'kube-apiserver-serving-clustertrustbundle-publisher-controller', gates: ['ClusterTrustBundle'] },
  { name: 'ephemeral-volume-controller', alias: 'ephemeral-volume' },
  {
    name: 'storageversion-garbage-collector-controller',
    alias: 'storage-version-gc',
    gates: ['APIServerIdentity', 'StorageVersionAPI'],
  },
  { name: 'resourceclaim-controller', alias: 'resource-claim-controller', gates: ['DynamicResourceAllocation'] },
  { name: 'resourcepoolstatusrequest-controller', gates: ['DRAResourcePoolStatus'] },
  { name: 'device-taint-eviction-controller', gates: ['DynamicResourceAllocation', 'DRADeviceTaints'] },
  { name: 'legacy-serviceaccount-token-cleaner-controller', alias: 'legacy-service-account-token-cleaner' },
  { name: 'validatingadmissionpolicy-status-controller' },
  { name: 'taint-eviction-controller', gates: ['SeparateTaintEvictionController'] },
  { name: 'service-cidr-controller', gates: ['MultiCIDRServiceAllocator'] },
  {
    name: 'storage-version-migrator-controller',
    alias: 'svm',
    gates: ['StorageVersionMigrator', 'InformerResourceVersion'],
  },
  { name: 'selinux-warning-controller', offByDefault: true, gates: ['SELinuxChangePolicy'] },
];

/**
 * Which of the controllers that are built a list of names means: names or aliases, `*` for those on by default, `-name` to
 * leave one out. The first entry that names a controller decides. Throws for a name that upstream has not.
 */
export function selectControllers(names: readonly string[] = ['*']): readonly ControllerDescriptor[] {
  const wanted = new Set(selected(names).map(({ name }) => name));
  return controllers.filter(({ name }) => wanted.has(name));
}

/** Controllers that were asked for by name and are not there. */
export function unbuiltControllers(names: readonly string[]): string[] {
  const named = new Set(names.map((name) => registered(name)?.name));
  return selected(names)
    .map(({ name }) => name)
    .filter((name) => named.has(name) && !controllers.some((built) => built.name === name));
}

const registered = (name: string) => registry.find((one) => one.name === name || one.alias === name);

function selected(names: readonly string[]): RegisteredController[] {
  const decided = new Map<string, boolean>();
  for (const name of names) {
    if (name === '*') continue;
    const leftOut = name.startsWith('-');
    const controller = registered(leftOut ? name.slice(1) : name);
    if (!controller)
      throw new Error(`controllers: '${name}' is not one; known are ${registry.map((one) => one.name).join(', ')}`);
    if (!decided.has(controller.name)) decided.set(controller.name, !leftOut);
  }
  const others = names.includes('*');
  return registry.filter(
    ({ name, offByDefault = false, cloud = false }) => !cloud && (decided.get(name) ?? (others && !offByDefault)),
  );
}
