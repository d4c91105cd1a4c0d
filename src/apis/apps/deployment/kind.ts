import { type LabelSelectorObject, selectorFromObject } from '../../../machinery/selectors/labels.ts';
import { ageColumn, column, containerColumns, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { carryOver, statusStrategy } from '../../common/strategies.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import { podNameWarnings, podSpecWarnings } from '../../core/pod/warnings.ts';
import { bumpGeneration, startGeneration, unchangedSpec } from '../../common/generation.ts';
import type { Deployment } from '../../generated/types/apps/v1.ts';
import type { Strategy } from '../../kind.ts';
import { validateDeployment, validateDeploymentUpdate } from './validation.ts';

/** A rolling update is measured in quarters; a Recreate has nothing to measure. */
function applyDefaults({ spec }: Deployment): void {
  if (!spec) return;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type !== 'RollingUpdate') return;
  spec.strategy.rollingUpdate ??= {};
  spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
  spec.strategy.rollingUpdate.maxSurge ??= '25%';
}

const strategy: Strategy<Deployment> = {
  prepareForCreate(deployment) {
    deployment.status = {};
    startGeneration(deployment);
  },
  prepareForUpdate(deployment, old) {
    carryOver(deployment, old, 'status');
    bumpGeneration(deployment, old);
    // Annotations reach the ReplicaSets: their change is one of what is wanted.
    const before = old.metadata.generation ?? 0;
    if (
      deployment.metadata.generation === before &&
      !semanticEqual(deployment.metadata.annotations, old.metadata.annotations)
    )
      deployment.metadata.generation = before + 1;
  },
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  warnings: (object, old) => [
    ...(old ? [] : podNameWarnings(object.metadata.name, 'controller')),
    ...(unchangedSpec(object, old) ? [] : podSpecWarnings(object.spec?.template?.spec, 'spec.template.spec')),
  ],
};

/** As upstream, which shows nothing where other kinds show `<none>`. */
function selectorText(selector: LabelSelectorObject | undefined): string {
  try {
    return selectorFromObject(selector).toString();
  } catch {
    return '<invalid>';
  }
}

export const deployment = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  applyDefaults,
  strategy,
  subresources: { status: statusStrategy<Deployment>({}, ['spec'], ['labels']) },
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [
    nameColumn,
    column<Deployment>('Ready', (d) => `${d.status?.readyReplicas ?? 0}/${d.spec?.replicas ?? 0}`, {
      description: 'Pods that are ready, of those wanted.',
    }),
    column<Deployment>('Up-to-date', (d) => d.status?.updatedReplicas ?? 0, {
      description: 'Pods of the newest template.',
    }),
    column<Deployment>('Available', (d) => d.status?.availableReplicas ?? 0, {
      description: 'Pods that have been ready for minReadySeconds.',
    }),
    ageColumn,
    ...containerColumns<Deployment>((d) => d.spec?.template),
    column<Deployment>('Selector', (d) => selectorText(d.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
