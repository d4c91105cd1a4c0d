import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { podSpecWarnings } from '../../core/pod/warnings.ts';
import { unchangedSpec } from '../../common/generation.ts';
import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import {
  isZero,
  validateIntOrPercent,
  validateLongRunning,
  validateSelectorAndTemplate,
} from '../workload-validation.ts';
import { ageColumn, column, containerColumns, labelsText, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { DaemonSet, DaemonSetStatus } from '../../generated/types/apps/v1.ts';

function validate(object: DaemonSet): FieldError[] {
  const { spec } = object;
  if (!spec) return [required('spec.selector'), required('spec.template')];
  const errors = [
    ...validateSelectorAndTemplate(spec.selector, spec.template, 'daemonset'),
    ...validateLongRunning(spec.template, 'DaemonSet'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ];
  const rolling = spec.updateStrategy?.rollingUpdate;
  if (spec.updateStrategy?.type !== 'RollingUpdate') return errors;
  const at = 'spec.updateStrategy.rollingUpdate';
  if (!rolling) return [...errors, required(at)];
  errors.push(...validateIntOrPercent(rolling.maxUnavailable, `${at}.maxUnavailable`));
  errors.push(...validateIntOrPercent(rolling.maxSurge, `${at}.maxSurge`));
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge))
    errors.push(invalid(`${at}.maxUnavailable`, rolling.maxUnavailable, 'cannot be 0 when maxSurge is 0'));
  if (!isZero(rolling.maxUnavailable) && !isZero(rolling.maxSurge))
    errors.push(invalid(`${at}.maxSurge`, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'));
  return errors;
}

const count = (name: string, field: keyof DaemonSetStatus, description: string) =>
  column<DaemonSet>(name, (d) => (d.status?.[field] as number | undefined) ?? 0, { type: 'integer', description });

/** Counts changes of the template; served as an annotation since apps/v1 has no field for it. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function countTemplates(object: DaemonSet, old: DaemonSet | undefined): void {
  const before = Number((old ?? object).metadata.annotations?.[templateGeneration] ?? 0) || 0;
  const changed = old === undefined || !semanticEqual(object.spec?.template, old.spec?.template);
  object.metadata.annotations ??= {};
  object.metadata.annotations[templateGeneration] = String(
    old === undefined ? Math.max(1, before) : changed ? before + 1 : before,
  );
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  // Whoever writes one owns it: upstream's internal version always has the field that it is made of.
  applyDefaults(object) {
    object.metadata.annotations ??= {};
    object.metadata.annotations[templateGeneration] ??= '0';
  },
  strategy: specStrategy<DaemonSet>(
    {
      initialStatus: () => ({
        currentNumberScheduled: 0,
        numberMisscheduled: 0,
        desiredNumberScheduled: 0,
        numberReady: 0,
      }),
      generationFields: ['spec'],
    },
    {
      warnings: (object, old) =>
        unchangedSpec(object, old) ? [] : podSpecWarnings(object.spec?.template?.spec, 'spec.template.spec'),
      prepareForCreate: (object) => countTemplates(object, undefined),
      prepareForUpdate: countTemplates,
      validate,
      validateUpdate: (object, old) => [
        ...validate(object),
        ...validateImmutable(object.spec?.selector, old.spec?.selector, 'spec.selector'),
      ],
    },
  ),
  subresources: { status: statusStrategy<DaemonSet>() },
  columns: [
    nameColumn,
    count('Desired', 'desiredNumberScheduled', 'Nodes that should run its pod.'),
    count('Current', 'currentNumberScheduled', 'Nodes that do.'),
    count('Ready', 'numberReady', 'Nodes where it is ready.'),
    count('Up-to-date', 'updatedNumberScheduled', 'Nodes that run the newest template.'),
    count('Available', 'numberAvailable', 'Nodes where it has been ready for minReadySeconds.'),
    column<DaemonSet>('Node Selector', (d) => labelsText(d.spec?.template?.spec?.nodeSelector), {
      description: 'Labels of those nodes.',
    }),
    ageColumn,
    ...containerColumns<DaemonSet>((d) => d.spec?.template),
    column<DaemonSet>('Selector', (d) => formatLabelSelector(d.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
