import { parseArgs } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';

export interface Options {
  /** A spec is run when its name matches `focus` and not `skip`, and it is of `sig`. */
  readonly focus: RegExp | undefined;
  readonly skip: RegExp | undefined;
  readonly sig: string | undefined;
  /** Only the specs listed in ci-specs.txt. */
  readonly ci: boolean;
  /** Specs at the same time; those marked [Serial] run alone whatever this says. */
  readonly parallel: number;
  /** Only the [Serial] ones. */
  readonly serial: boolean;
  /** What one spec may take; one marked [Slow] may take four times as long. */
  readonly specTimeoutMs: number;
  /** Leaves out what results.json has an outcome of. */
  readonly resume: boolean;
  /** Only what results.json says did not pass. */
  readonly failed: boolean;
  /** How often a failure is run again, alone. */
  readonly retries: number;
  /** Only says which specs it would run. */
  readonly list: boolean;
}

export const usage = `usage: npm run conformance [-- FLAG...]
  --focus RE          only specs whose name matches
  --skip RE           not those whose name matches
  --sig NAME          only those of a group: node, network, apps, api-machinery, ...
  --ci                only the list in tests/conformance/ci-specs.txt, which must pass
  --parallel N        how many at the same time (2); [Serial] ones always run alone
  --serial            only the [Serial] ones
  --spec-timeout D    what one may take: 90s, 3m (the default); [Slow] ones four times as long
  --resume            goes on: leaves out what has an outcome already
  --failed            only those that did not pass the last time
  --retries N         how often a failure is run again, alone (3)
  --list              says which it would run`;

/** Throws with one line that names the flag. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      focus: text,
      skip: text,
      sig: text,
      ci: flag,
      parallel: text,
      serial: flag,
      'spec-timeout': text,
      resume: flag,
      failed: flag,
      retries: text,
      list: flag,
    },
  });
  return {
    focus: expression('--focus', values.focus),
    skip: expression('--skip', values.skip),
    sig: values.sig?.replace(/^sig-/, ''),
    ci: values.ci === true,
    parallel: number('--parallel', values.parallel ?? '2', 1, 16),
    serial: values.serial === true,
    specTimeoutMs: duration('--spec-timeout', values['spec-timeout'] ?? '3m'),
    resume: values.resume === true,
    failed: values.failed === true,
    retries: number('--retries', values.retries ?? '3', 0, 10),
    list: values.list === true,
  };
}

function expression(flag: string, value: string | undefined): RegExp | undefined {
  if (value === undefined) return undefined;
  try {
    return new RegExp(value);
  } catch (error) {
    throw new Error(`${flag} '${value}': want a regular expression (${messageOf(error)})`);
  }
}

function number(flag: string, value: string, least: number, most: number): number {
  const parsed = Number(value);
  if (!/^\d+$/.test(value) || parsed < least || parsed > most)
    throw new Error(`${flag} '${value}': want a whole number from ${least} to ${most}`);
  return parsed;
}

function duration(flag: string, value: string): number {
  const [, amount, unit] = /^(\d+)(s|m)$/.exec(value) ?? [];
  if (amount === undefined || Number(amount) === 0)
    throw new Error(`${flag} '${value}': want a duration such as 90s or 3m`);
  return Number(amount) * (unit === 'm' ? 60_000 : 1000);
}
