import type { Client, Outcome } from './client.ts';
import { type Step, steps } from './steps.ts';

export interface Result {
  readonly client: Client;
  /** Set when it was left out, with the reason. */
  readonly leftOut?: string;
  readonly version?: string;
  readonly seconds?: number;
  readonly outcomes: ReadonlyMap<Step, Outcome>;
}

/** One row a step, one column a client; a cell is empty where the client has no such step. */
export function table(results: readonly Result[]): string[][] {
  const rows = (Object.keys(steps) as Step[]).filter((step) =>
    results.some(({ client }) => client.steps.includes(step)),
  );
  const cell = (step: Step, { client, leftOut, outcomes }: Result): string => {
    if (!client.steps.includes(step)) return '';
    if (leftOut !== undefined) return 'left out';
    return outcomes.get(step)?.result ?? 'failed';
  };
  return [
    ['step', ...results.map(({ client }) => client.name)],
    ...rows.map((step) => [step, ...results.map((result) => cell(step, result))]),
  ];
}

export function asText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function asMarkdown(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  return [head, `|${rows[0]!.map(() => '---').join('|')}|`, ...body].join('\n');
}

/** Every first error, one a line, with the steps that did not pass for it. */
export function problems(results: readonly Result[]): string[] {
  return results.flatMap(({ client, outcomes }) => {
    const steps = new Map<string, Step[]>();
    for (const [step, outcome] of outcomes) {
      if (outcome.result === 'ok') continue;
      const says = `${outcome.result}: ${outcome.error}`;
      steps.set(says, [...(steps.get(says) ?? []), step]);
    }
    return [...steps].map(([says, which]) => `${client.name}, ${which.join(' ')}: ${says}`);
  });
}

export function totals(results: readonly Result[]): { passed: number; failed: number; skipped: number } {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { client, leftOut, outcomes } of results) {
    if (leftOut !== undefined) sum.skipped += client.steps.length;
    for (const { result } of outcomes.values())
      sum[result === 'ok' ? 'passed' : result === 'failed' ? 'failed' : 'skipped']++;
  }
  return sum;
}
