/** What the scheduler reads (core/v1). Objects come from informers: shared, never written to. */
import type * as core from '../../apis/generated/types/core/v1.ts';
import type * as storage from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export type Pod = DeepReadonly<core.Pod> & { readonly spec: DeepReadonly<core.PodSpec> };
export type PodSpec = DeepReadonly<core.PodSpec>;
export type PodCondition = DeepReadonly<core.PodCondition>;
export type PodAffinityTerm = DeepReadonly<core.PodAffinityTerm>;
export type TopologySpreadConstraint = DeepReadonly<core.TopologySpreadConstraint>;
export type Container = DeepReadonly<core.Container>;
export type ContainerStatus = DeepReadonly<core.ContainerStatus>;
export type Node = DeepReadonly<core.Node>;
export type NodeSelectorRequirement = DeepReadonly<core.NodeSelectorRequirement>;
export type NodeSelectorTerm = DeepReadonly<core.NodeSelectorTerm>;
export type Taint = DeepReadonly<core.Taint>;
export type Toleration = DeepReadonly<core.Toleration>;
export type Volume = DeepReadonly<core.Volume>;
export type PersistentVolume = DeepReadonly<core.PersistentVolume>;
export type PersistentVolumeClaim = DeepReadonly<core.PersistentVolumeClaim>;
export type StorageClass = DeepReadonly<storage.StorageClass>;
export type CSINode = DeepReadonly<storage.CSINode>;
export type CSIDriver = DeepReadonly<storage.CSIDriver>;
export type CSIStorageCapacity = DeepReadonly<storage.CSIStorageCapacity>;
export type VolumeAttachment = DeepReadonly<storage.VolumeAttachment>;
export type ResourceList = Readonly<Record<string, string>>;
