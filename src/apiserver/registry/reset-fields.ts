/**
 * What each endpoint resets whatever a request says of it, as upstream's strategies declare it: such fields are taken
 * from nobody and given to nobody.
 */
import { exceptFields, type FieldFilter } from '../../machinery/managedfields/field-manager.ts';
import { type FieldSet, union, nothing } from '../../machinery/managedfields/field-set.ts';
import type { Resource } from './resource.ts';

/** Kinds whose status endpoint leaves all metadata alone. Custom resources do too. */
const statusOnly: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'apiregistration.k8s.io/APIService',
  'flowcontrol.apiserver.k8s.io/FlowSchema',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
  'networking.k8s.io/ServiceCIDR',
  'resource.k8s.io/DeviceTaintRule',
  'resource.k8s.io/ResourceClaim',
  'resource.k8s.io/ResourcePoolStatusRequest',
  'scheduling.k8s.io/PodGroup',
  'storage.k8s.io/VolumeAttachment',
  'storagemigration.k8s.io/StorageVersionMigration',
]);

/** By kind and sub-resource, where it is not what `resetFilter` says of all. */
const special: Readonly<Record<string, FieldFilter | undefined>> = {
  'certificates.k8s.io/CertificateSigningRequest ': exceptFields('spec', 'status'),
  'certificates.k8s.io/CertificateSigningRequest status': exceptFields('spec', 'status.conditions'),
  'certificates.k8s.io/CertificateSigningRequest approval': exceptFields('spec', 'status.certificate'),
  '/Namespace finalize': exceptFields('status'),
  '/Pod status': exceptFields('spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'),
  '/Pod ephemeralcontainers': (set) => only(set, ['f:spec', 'f:ephemeralContainers']),
  '/Pod resize': (set) =>
    ['f:containers', 'f:initContainers']
      .flatMap((list) => ['f:resources', 'f:resizePolicy'].map((field) => only(set, ['f:spec', list, '*', field])))
      .reduce((all, some) => union(all, some), nothing),
  'apps/Deployment status': exceptFields('spec', 'metadata.labels'),
};

/** Undefined: nothing is reset. */
export function resetFilter(resource: Resource, subresource: string, custom: boolean): FieldFilter | undefined {
  const kind = `${resource.group}/${resource.kind}`;
  const id = `${kind} ${subresource}`;
  if (Object.hasOwn(special, id)) return special[id];
  if (!resource.subresources.some((s) => s.name === 'status')) return undefined;
  if (subresource === '') return exceptFields('status');
  if (subresource !== 'status') return undefined;
  return custom || statusOnly.has(kind) ? exceptFields('spec', 'metadata') : exceptFields('spec');
}

/** What lies at or below a path, in which `*` is any step. */
function only(set: FieldSet, [step, ...rest]: readonly string[]): FieldSet {
  const out: Record<string, FieldSet> = {};
  for (const name in set) {
    if (name === '.' || (step !== '*' && name !== step)) continue;
    const child = rest.length === 0 ? set[name]! : only(set[name]!, rest);
    if (rest.length === 0 || Object.keys(child).length > 0) out[name] = child;
  }
  return out;
}
