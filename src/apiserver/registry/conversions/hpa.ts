/**
 * HorizontalPodAutoscaler v2 (stored) and v1. In v1 only CPU utilisation has fields; everything else of v2 travels in
 * annotations (names of upstream's autoscaling/v1 conversion), so that an update through v1 loses nothing.
 */
import type { KubeObject } from '../../../machinery/meta/object.ts';

interface Metric {
  type: string;
  resource?: {
    name: string;
    target?: { type: string; averageUtilization?: number };
    current?: { averageUtilization?: number; averageValue?: string };
  };
}
type Fields = Record<string, unknown>;
interface Hpa extends KubeObject {
  spec?: Fields & { metrics?: Metric[]; targetCPUUtilizationPercentage?: number; behavior?: unknown };
  status?: Fields & { currentMetrics?: Metric[]; currentCPUUtilizationPercentage?: number; conditions?: unknown };
}

const annotations = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
} as const;

const isCpu = (metric: Metric, part: 'target' | 'current') =>
  metric.type === 'Resource' &&
  metric.resource?.name === 'cpu' &&
  metric.resource[part]?.averageUtilization !== undefined;

/** From v2. */
export function hpaV1Of(object: KubeObject): KubeObject {
  const { spec, status, metadata, ...rest } = object as Hpa;
  const notes: Record<string, string> = { ...metadata.annotations };
  const note = (name: string, value: unknown) => {
    const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!empty) notes[name] = JSON.stringify(value);
  };
  const { metrics, behavior, ...specRest } = spec ?? {};
  const { currentMetrics, conditions, ...statusRest } = status ?? {};
  const cpu = metrics?.find((m) => isCpu(m, 'target'));
  const currentCpu = currentMetrics?.find((m) => isCpu(m, 'current'));
  note(
    annotations.metrics,
    metrics?.filter((m) => m !== cpu),
  );
  note(annotations.behavior, behavior);
  note(annotations.currentMetrics, currentMetrics);
  note(annotations.conditions, conditions);
  const target = cpu?.resource?.target?.averageUtilization;
  const current = currentCpu?.resource?.current?.averageUtilization;
  return {
    ...rest,
    metadata: Object.keys(notes).length > 0 ? { ...metadata, annotations: notes } : metadata,
    spec: { ...specRest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...statusRest, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  } as KubeObject;
}

/** From v1. Annotations that are no JSON are dropped. */
export function hpaV2Of(object: KubeObject): KubeObject {
  const { spec, status, metadata, ...rest } = object as Hpa;
  const notes: Record<string, string> = { ...metadata.annotations };
  const take = (name: string): unknown => {
    const text = notes[name];
    delete notes[name];
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      return undefined;
    }
  };
  const { targetCPUUtilizationPercentage: target, ...specRest } = spec ?? {};
  const { currentCPUUtilizationPercentage: _current, ...statusRest } = status ?? {};
  const metrics = (take(annotations.metrics) ?? []) as Metric[];
  if (target !== undefined)
    metrics.unshift({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
    });
  const behavior = take(annotations.behavior);
  const currentMetrics = take(annotations.currentMetrics);
  const conditions = take(annotations.conditions);
  const { annotations: _old, ...meta } = metadata;
  return {
    ...rest,
    metadata: Object.keys(notes).length > 0 ? { ...meta, annotations: notes } : meta,
    spec: {
      ...specRest,
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      ...statusRest,
      ...(currentMetrics === undefined ? {} : { currentMetrics }),
      ...(conditions === undefined ? {} : { conditions }),
    },
  } as KubeObject;
}
