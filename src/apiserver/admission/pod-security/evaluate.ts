/** A pod held against a level of the pod security standards. */
import type { PodSpec } from '../../../apis/generated/types/core/v1.ts';
import type { ObjectMeta } from '../../../machinery/meta/object.ts';
import { baselineChecks } from './baseline.ts';
import type { Check, Finding } from './check.ts';
import type { LevelVersion } from './policy.ts';
import { restrictedChecks } from './restricted.ts';

/** In a fixed order; empty when the pod is as the level wants it. */
export function evaluate({ level, minor }: LevelVersion, metadata: ObjectMeta, spec: PodSpec): Finding[] {
  if (level === 'privileged') return [];
  const findings: Finding[] = [];
  for (const check of checksOf(level, minor)) {
    const finding = check.run({ metadata, spec, minor });
    if (finding) findings.push(finding);
  }
  return findings;
}

function checksOf(level: 'baseline' | 'restricted', minor: number): readonly Check[] {
  const baseline = baselineChecks.filter(({ since }) => minor >= since);
  if (level === 'baseline') return baseline;
  const restricted = restrictedChecks.filter(({ since }) => minor >= since);
  const overridden = new Set(restricted.map(({ overrides }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted];
}

/** `host namespaces (hostPID=true), privileged (container "c" must not ...)` */
export const detailText = (findings: readonly Finding[]): string =>
  findings.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');

export const reasonText = (findings: readonly Finding[]): string => findings.map(({ reason }) => reason).join(', ');
