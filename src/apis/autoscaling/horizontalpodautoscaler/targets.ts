/** The Targets column: `cpu: 40%/80%, 10/20 + 1 more...`. */
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../../generated/types/autoscaling/v2.ts';
import { none } from '../../common/columns.ts';

const maxShown = 2;
const unknown = '<unknown>';

export function targetsText(autoscaler: HorizontalPodAutoscaler): string {
  const specs = autoscaler.spec?.metrics ?? [];
  const statuses = autoscaler.status?.currentMetrics ?? [];
  if (specs.length === 0) return none;
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]));
  const head = texts.slice(0, maxShown).join(', ');
  return texts.length > maxShown ? `${head} + ${texts.length - maxShown} more...` : head;
}

type Values = { value?: string; averageValue?: string; averageUtilization?: number };

const byValue = (target: Values | undefined, current: Values | undefined): string =>
  target?.averageValue !== undefined
    ? `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
    : `${current?.value ?? unknown}/${target?.value ?? '<auto>'}`;

function byResource(name: string, target: Values | undefined, current: Values | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
  const wanted = target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  return `${name}: ${now}/${wanted}`;
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return byValue(spec.external?.target, status?.external?.current);
    case 'Object':
      return byValue(spec.object?.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods?.target.averageValue ?? ''}`;
    case 'Resource':
      return byResource(spec.resource?.name ?? '', spec.resource?.target, status?.resource?.current);
    case 'ContainerResource':
      return byResource(
        spec.containerResource?.name ?? '',
        spec.containerResource?.target,
        status?.containerResource?.current,
      );
    default:
      return '<unknown type>';
  }
}
