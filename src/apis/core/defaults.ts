/** Conditional defaults of core types that occur in several kinds, or in kinds without a folder of their own. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { LimitRangeItem, PersistentVolume, ReplicationController } from '../generated/types/core/v1.ts';
import { defaultPodTemplate } from './pod/defaults.ts';

/** A container's limits bound what is left out: the limit by the maximum, the request by the limit, else the minimum. */
function defaultLimitRangeItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function defaultPersistentVolume(volume: PersistentVolume): void {
  const { spec } = volume;
  if (!spec) return;
  spec.persistentVolumeReclaimPolicy ||= 'Retain';
  spec.volumeMode ??= 'Filesystem';
}

/** The template's labels stand in for a selector and for labels of its own. */
function defaultReplicationController(controller: ReplicationController): void {
  const labels = controller.spec?.template?.metadata?.labels;
  if (!labels || Object.keys(labels).length === 0) return;
  controller.spec!.selector ??= { ...labels };
  controller.metadata.labels ??= { ...labels };
}

export const coreDefaulters: TypeDefaulters = {
  'core/v1/LimitRangeItem': defaultLimitRangeItem,
  'core/v1/PersistentVolume': defaultPersistentVolume,
  'core/v1/PodTemplateSpec': defaultPodTemplate,
  'core/v1/ReplicationController': defaultReplicationController,
};
