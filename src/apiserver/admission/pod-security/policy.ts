/** What the labels of a namespace ask of its pods (pod-security.kubernetes.io). */
import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';

export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** A level as of a minor version of Kubernetes. */
export interface LevelVersion {
  readonly level: Level;
  /** Infinity: latest. */
  readonly minor: number;
}

export const modes = ['enforce', 'audit', 'warn'] as const;
export type Policy = Readonly<Record<(typeof modes)[number], LevelVersion>>;

const prefix = 'pod-security.kubernetes.io/';
const privileged: LevelVersion = { level: 'privileged', minor: Number.POSITIVE_INFINITY };
const unlabelled: Policy = { enforce: privileged, audit: privileged, warn: privileged };

export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.minor === b.minor;
export const strictness = ({ level }: LevelVersion): number => levels.indexOf(level);

/** `restricted:v1.30` */
export const levelText = ({ level, minor }: LevelVersion): string =>
  `${level}:${minor === Number.POSITIVE_INFINITY ? 'latest' : `v1.${minor}`}`;

/** What is labelled wrongly is enforced most strictly, and neither audited nor warned of. */
export function policyOf(labels: Readonly<Record<string, string>> | undefined): {
  readonly policy: Policy;
  readonly errors: readonly FieldError[];
} {
  if (!labels) return { policy: unlabelled, errors: [] };
  const errors: FieldError[] = [];
  const policy: Record<string, LevelVersion> = { ...unlabelled };
  let enforceGiven = false;
  for (const mode of modes) {
    const [level, version] = [labels[`${prefix}${mode}`], labels[`${prefix}${mode}-version`]];
    if (level !== undefined) {
      const known = levels.find((name) => name === level);
      if (mode === 'enforce') enforceGiven = known !== undefined;
      if (!known) errors.push(wrong(mode, level, `must be one of ${levels.join(', ')}`));
      policy[mode] = { ...policy[mode]!, level: known ?? (mode === 'enforce' ? 'restricted' : 'privileged') };
    }
    if (version !== undefined) {
      const minor = parseVersion(version);
      if (minor === undefined) errors.push(wrong(`${mode}-version`, version, 'must be "latest" or "v1.x"'));
      policy[mode] = { ...policy[mode]!, minor: minor ?? Number.POSITIVE_INFINITY };
    }
  }
  // Who says nothing of warnings is warned of what is refused: workloads make pods that nobody sees refused.
  const { enforce, warn } = policy as Policy;
  if (enforceGiven && labels[`${prefix}warn`] === undefined && strictness(enforce) > strictness(warn))
    policy['warn'] = labels[`${prefix}warn-version`] === undefined ? enforce : { ...warn, level: enforce.level };
  return { policy: policy as Policy, errors };
}

const wrong = (label: string, value: string, why: string): FieldError =>
  invalid(`metadata.labels[${prefix}${label}]`, value, why);

function parseVersion(text: string): number | undefined {
  if (text === 'latest') return Number.POSITIVE_INFINITY;
  const match = /^v1\.(\d|[1-9]\d*)$/.exec(text);
  return match ? Number(match[1]) : undefined;
}
