/** All kinds with something special, in order. A kind that is not here is served from the tables alone. */
import { mutatingAdmissionPolicy } from './admissionregistration.k8s.io/mutatingadmissionpolicy/kind.ts';
import { mutatingAdmissionPolicyBinding } from './admissionregistration.k8s.io/mutatingadmissionpolicybinding/kind.ts';
import { mutatingWebhookConfiguration } from './admissionregistration.k8s.io/mutatingwebhookconfiguration/kind.ts';
import { validatingAdmissionPolicy } from './admissionregistration.k8s.io/validatingadmissionpolicy/kind.ts';
import { validatingAdmissionPolicyBinding } from './admissionregistration.k8s.io/validatingadmissionpolicybinding/kind.ts';
import { validatingWebhookConfiguration } from './admissionregistration.k8s.io/validatingwebhookconfiguration/kind.ts';
import { apiService } from './apiregistration.k8s.io/apiservice/kind.ts';
import { customResourceDefinition } from './apiextensions.k8s.io/customresourcedefinition/kind.ts';
import { controllerRevision } from './apps/controllerrevision/kind.ts';
import { daemonSet } from './apps/daemonset/kind.ts';
import { deployment } from './apps/deployment/kind.ts';
import { replicaSet } from './apps/replicaset/kind.ts';
import { statefulSet } from './apps/statefulset/kind.ts';
import { horizontalPodAutoscalerV1 } from './autoscaling/horizontalpodautoscaler-v1/kind.ts';
import { horizontalPodAutoscaler } from './autoscaling/horizontalpodautoscaler/kind.ts';
import { cronJob } from './batch/cronjob/kind.ts';
import { job } from './batch/job/kind.ts';
import { certificateSigningRequest } from './certificates.k8s.io/certificatesigningrequest/kind.ts';
import { clusterTrustBundle } from './certificates.k8s.io/clustertrustbundle/kind.ts';
import { podCertificateRequest } from './certificates.k8s.io/podcertificaterequest/kind.ts';
import { lease } from './coordination.k8s.io/lease/kind.ts';
import { leaseCandidate } from './coordination.k8s.io/leasecandidate/kind.ts';
import { componentStatus } from './core/componentstatus/kind.ts';
import { configMap } from './core/configmap/kind.ts';
import { endpoints } from './core/endpoints/kind.ts';
import { event } from './core/event/kind.ts';
import { limitRange } from './core/limitrange/kind.ts';
import { namespace } from './core/namespace/kind.ts';
import { node } from './core/node/kind.ts';
import { persistentVolume } from './core/persistentvolume/kind.ts';
import { persistentVolumeClaim } from './core/persistentvolumeclaim/kind.ts';
import { pod } from './core/pod/kind.ts';
import { podTemplate } from './core/podtemplate/kind.ts';
import { replicationController } from './core/replicationcontroller/kind.ts';
import { resourceQuota } from './core/resourcequota/kind.ts';
import { secret } from './core/secret/kind.ts';
import { service } from './core/service/kind.ts';
import { serviceAccount } from './core/serviceaccount/kind.ts';
import { endpointSlice } from './discovery.k8s.io/endpointslice/kind.ts';
import { eventsEvent } from './events.k8s.io/event/kind.ts';
import { flowSchema } from './flowcontrol.apiserver.k8s.io/flowschema/kind.ts';
import { priorityLevelConfiguration } from './flowcontrol.apiserver.k8s.io/prioritylevelconfiguration/kind.ts';
import { storageVersion } from './internal.apiserver.k8s.io/storageversion/kind.ts';
import type { Kind } from './kind.ts';
import { ingress } from './networking.k8s.io/ingress/kind.ts';
import { ingressClass } from './networking.k8s.io/ingressclass/kind.ts';
import { ipAddress } from './networking.k8s.io/ipaddress/kind.ts';
import { networkPolicy } from './networking.k8s.io/networkpolicy/kind.ts';
import { serviceCidr } from './networking.k8s.io/servicecidr/kind.ts';
import { runtimeClass } from './node.k8s.io/runtimeclass/kind.ts';
import { podDisruptionBudget } from './policy/poddisruptionbudget/kind.ts';
import { clusterRole } from './rbac.authorization.k8s.io/clusterrole/kind.ts';
import { clusterRoleBinding } from './rbac.authorization.k8s.io/clusterrolebinding/kind.ts';
import { role } from './rbac.authorization.k8s.io/role/kind.ts';
import { roleBinding } from './rbac.authorization.k8s.io/rolebinding/kind.ts';
import { deviceClass } from './resource.k8s.io/deviceclass/kind.ts';
import { deviceTaintRule } from './resource.k8s.io/devicetaintrule/kind.ts';
import { resourceClaim } from './resource.k8s.io/resourceclaim/kind.ts';
import { resourceClaimTemplate } from './resource.k8s.io/resourceclaimtemplate/kind.ts';
import { resourceSlice } from './resource.k8s.io/resourceslice/kind.ts';
import { podGroup } from './scheduling.k8s.io/podgroup/kind.ts';
import { priorityClass } from './scheduling.k8s.io/priorityclass/kind.ts';
import { workload } from './scheduling.k8s.io/workload/kind.ts';
import { csiDriver } from './storage.k8s.io/csidriver/kind.ts';
import { csiNode } from './storage.k8s.io/csinode/kind.ts';
import { csiStorageCapacity } from './storage.k8s.io/csistoragecapacity/kind.ts';
import { storageClass } from './storage.k8s.io/storageclass/kind.ts';
import { volumeAttachment } from './storage.k8s.io/volumeattachment/kind.ts';
import { volumeAttributesClass } from './storage.k8s.io/volumeattributesclass/kind.ts';
import { storageVersionMigration } from './storagemigration.k8s.io/storageversionmigration/kind.ts';

export const kinds: readonly Kind[] = [
  namespace,
  pod,
  service,
  endpoints,
  configMap,
  secret,
  serviceAccount,
  node,
  event,
  eventsEvent,
  lease,
  deployment,
  replicaSet,
  endpointSlice,
  role,
  roleBinding,
  clusterRole,
  clusterRoleBinding,
  podTemplate,
  replicationController,
  persistentVolume,
  persistentVolumeClaim,
  resourceQuota,
  limitRange,
  componentStatus,
  daemonSet,
  statefulSet,
  controllerRevision,
  job,
  cronJob,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  podDisruptionBudget,
  ingress,
  ingressClass,
  networkPolicy,
  serviceCidr,
  ipAddress,
  storageClass,
  volumeAttributesClass,
  volumeAttachment,
  csiNode,
  csiDriver,
  csiStorageCapacity,
  priorityClass,
  runtimeClass,
  certificateSigningRequest,
  clusterTrustBundle,
  podCertificateRequest,
  leaseCandidate,
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
  validatingAdmissionPolicy,
  mutatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  mutatingAdmissionPolicyBinding,
  flowSchema,
  priorityLevelConfiguration,
  deviceClass,
  resourceClaimTemplate,
  resourceClaim,
  resourceSlice,
  deviceTaintRule,
  storageVersion,
  storageVersionMigration,
  workload,
  podGroup,
  apiService,
  customResourceDefinition,
];
