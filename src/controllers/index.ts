/** Every controller, in upstream's order of registration. A new one is a folder and a line here. */
import { certificateApprovingController } from './certificatesigningrequest-approving/controller.ts';
import { certificateCleanerController } from './certificatesigningrequest-cleaner/controller.ts';
import { certificateSigningController } from './certificatesigningrequest-signing/controller.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import type { ControllerDescriptor } from './context.ts';
import { cronJobController } from './cronjob/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts';
import { ephemeralVolumeController } from './ephemeral-volume/controller.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { jobController } from './job/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeIpamController } from './node-ipam/controller.ts';
import { nodeLifecycleController } from './node-lifecycle/controller.ts';
import { volumeBinderController } from './persistentvolume-binder/controller.ts';
import { attachDetachController } from './persistentvolume-attach-detach/controller.ts';
import { volumeExpanderController } from './persistentvolume-expander/controller.ts';
import { volumeProtectionController } from './persistentvolume-protection/controller.ts';
import { claimProtectionController } from './persistentvolumeclaim-protection/controller.ts';
import { podGarbageCollector } from './pod-garbage-collector/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { replicationController } from './replicationcontroller/controller.ts';
import { resourceQuotaController } from './resourcequota/controller.ts';
import { rootCaPublisher } from './root-ca-certificate-publisher/controller.ts';
import { serviceAccountController } from './serviceaccount/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';
import { taintEvictionController } from './taint-eviction/controller.ts';
import { ttlController } from './ttl/controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts';
import { volumeAttributesClassProtectionController } from './volumeattributesclass-protection/controller.ts';

export const controllers: readonly ControllerDescriptor[] = [
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  replicationController,
  podGarbageCollector,
  resourceQuotaController,
  namespaceController,
  serviceAccountController,
  garbageCollector,
  daemonSetController,
  jobController,
  deploymentController,
  replicaSetController,
  disruptionController,
  statefulSetController,
  cronJobController,
  certificateSigningController,
  certificateApprovingController,
  certificateCleanerController,
  ttlController,
  nodeIpamController,
  nodeLifecycleController,
  volumeBinderController,
  attachDetachController,
  volumeExpanderController,
  clusterRoleAggregationController,
  claimProtectionController,
  volumeProtectionController,
  volumeAttributesClassProtectionController,
  ttlAfterFinishedController,
  rootCaPublisher,
  ephemeralVolumeController,
  taintEvictionController,
];
