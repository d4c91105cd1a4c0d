/** docs/interop.md's table. */
import { describePair, type Pair } from './pairs.ts';
import { steps } from './scenario.ts';
import type { Outcome } from './worker.ts';

/** Not run: undefined. */
export type Outcomes = Readonly<Record<string, Outcome | undefined>>;

export const works = ({ steps: done }: Outcome): boolean =>
  done.length === steps.length + 1 && done.every(({ error }) => error === undefined);

export function reportTable(pairs: readonly Pair[], outcomes: Outcomes): string {
  const rows = pairs.map((pair) => {
    const outcome = outcomes[pair.name];
    return `| \`${pair.name}\` | ${describePair(pair)} | ${outcome ? verdict(outcome) : 'not run'} |`;
  });
  return ['| pair | cluster | works |', '|---|---|---|', ...rows].join('\n');
}

function verdict(outcome: Outcome): string {
  const { steps: done } = outcome;
  const total = done.reduce((sum, { seconds }) => sum + seconds, 0);
  if (works(outcome)) return `yes, in ${Math.round(total)} s`;
  const failed = done.find(({ error }) => error !== undefined);
  return `no: ${failed?.step ?? 'cut short'}: ${(failed?.error ?? '').replace(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 300)}`;
}
