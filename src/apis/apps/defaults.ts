/** Conditional defaults of apps types. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { DaemonSetUpdateStrategy, StatefulSetSpec } from '../generated/types/apps/v1.ts';

function defaultDaemonSetStrategy(strategy: DaemonSetUpdateStrategy): void {
  strategy.type ||= 'RollingUpdate';
  if (strategy.type !== 'RollingUpdate') return;
  strategy.rollingUpdate ??= {};
  strategy.rollingUpdate.maxUnavailable ??= 1;
  strategy.rollingUpdate.maxSurge ??= 0;
}

/** Who asks for RollingUpdate by name gets no parameters for it; who asks for nothing gets them with their defaults. */
function defaultStatefulSetSpec(spec: StatefulSetSpec): void {
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
}

export const appsDefaulters: TypeDefaulters = {
  'apps/v1/DaemonSetUpdateStrategy': defaultDaemonSetStrategy,
  'apps/v1/StatefulSetSpec': defaultStatefulSetSpec,
};
