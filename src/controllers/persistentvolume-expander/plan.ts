/** Whether a claim wants to grow, and who has to see to it. Pure. */
import {
  type Claim,
  keyOfClaim,
  preResizeCapacity,
  requestOf,
  type Volume,
} from '../../apis/core/volume-binding/binding.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';

export type ExpandPlan =
  | { readonly kind: 'nothing' }
  /** Told, and left to the driver's own resizer: no volume grows by a plugin inside any more. */
  | { readonly kind: 'external'; readonly message: string }
  | { readonly kind: 'unbound'; readonly message: string };

/** In-tree volumes whose work went to CSI drivers: by their field in a volume's spec, the plugin and its driver. */
const migrated: Readonly<Record<string, readonly [plugin: string, driver: string]>> = {
  awsElasticBlockStore: ['kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  gcePersistentDisk: ['kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  azureDisk: ['kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  azureFile: ['kubernetes.io/azure-file', 'file.csi.azure.com'],
  cinder: ['kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  vsphereVolume: ['kubernetes.io/vsphere-volume', 'csi.vsphere.vmware.com'],
  portworxVolume: ['kubernetes.io/portworx-volume', 'pxd.portworx.com'],
};

/** `volume`: the one that the claim names. */
export function planExpand(claim: Claim, volume: Volume): ExpandPlan & { readonly resizer?: string } {
  const reference = volume.spec?.claimRef;
  if (reference?.namespace !== claim.metadata.namespace || reference?.uid !== claim.metadata.uid)
    return { kind: 'unbound', message: `persistent Volume is not bound to PVC being updated : ${keyOfClaim(claim)}` };
  const has = Quantity.parse(claim.status?.capacity?.['storage'] ?? '0');
  const isResizing = volume.metadata.annotations?.[preResizeCapacity] !== undefined;
  if (requestOf(claim).compare(has) <= 0 && !isResizing) return { kind: 'nothing' };
  for (const [field, [plugin, resizer]] of Object.entries(migrated)) {
    if (volume.spec?.[field as keyof typeof volume.spec] === undefined) continue;
    const message = `CSI migration enabled for ${plugin}; waiting for external resizer to expand the pvc`;
    return { kind: 'external', message, resizer };
  }
  return { kind: 'external', message: 'waiting for an external controller to expand this PVC' };
}
