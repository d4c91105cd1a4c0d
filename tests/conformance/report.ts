import type { Result } from './results.ts';
import type { Results } from './results.ts';
import type { Spec } from './specs.ts';

export interface ReportFacts {
  readonly version: string;
  readonly date: string;
  readonly machine: string;
}

/** Without anything beside it, on kind: measured elsewhere. */
const upstreamMinutes = 36.7;

const columns = ['passed', 'failed', 'timed out', 'skipped', 'not run'] as const;

/** The text of docs/conformance.md below its introduction: a table by area, and each test that does not pass. */
export function report(specs: readonly Spec[], results: Pick<Results, 'get'>, facts: ReportFacts): string {
  const sigs = [...new Set(specs.map(({ sig }) => sig))].sort();
  const rows = sigs.map((sig) => [
    `sig-${sig}`,
    ...counts(
      specs.filter((spec) => spec.sig === sig),
      results,
    ),
  ]);
  const total = ['**all**', ...counts(specs, results).map((count) => `**${count}**`)];
  const outcomes = specs.map((spec) => ({ spec, result: results.get(spec) }));
  const passed = outcomes.filter(({ result }) => result?.state === 'passed');
  const seconds = passed.reduce((sum, { result }) => sum + result!.seconds, 0);
  const bad = outcomes.filter(({ result }) => result?.state !== 'passed');
  const flaky = outcomes.filter(({ result }) => result?.flaky);
  return [
    `Kubernetes ${facts.version}, ${facts.date}, ${facts.machine}. One after the other those that pass take ${(seconds / 60).toFixed(0)} minutes; the whole suite takes ${upstreamMinutes} on a two-node cluster of upstream's.`,
    '',
    table(['area', 'tests', ...columns], [...rows, total]),
    '',
    ...section('Tests that do not pass', bad),
    ...section('Flaky: passed when run again, alone', flaky),
    ...slowest(outcomes),
  ].join('\n');
}

/** One line: `431 passed, 12 failed, ...`. */
export function summary(specs: readonly Spec[], results: Pick<Results, 'get'>): string {
  const [, ...numbers] = counts(specs, results);
  return columns.map((name, i) => `${numbers[i]} ${name}`).join(', ');
}

function counts(specs: readonly Spec[], results: Pick<Results, 'get'>): number[] {
  const states = specs.map((spec) => results.get(spec)?.state ?? 'not run');
  return [specs.length, ...columns.map((column) => states.filter((state) => state === column).length)];
}

interface Outcome {
  readonly spec: Spec;
  readonly result: Result | undefined;
}

function section(title: string, outcomes: readonly Outcome[]): string[] {
  if (outcomes.length === 0) return [];
  const rows = [...outcomes]
    .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
    .map(({ spec, result }) => [spec.name, result?.state ?? 'not run', result?.error ?? '']);
  return [`## ${title}`, '', table(['test', 'state', 'first error'], rows), ''];
}

/** Where a faster cluster would show first. */
function slowest(outcomes: readonly Outcome[]): string[] {
  const rows = outcomes
    .filter(({ result }) => result?.state === 'passed')
    .sort((a, b) => b.result!.seconds - a.result!.seconds)
    .slice(0, 15)
    .map(({ spec, result }) => [spec.name, result!.seconds.toFixed(1)]);
  if (rows.length === 0) return [];
  return ['## The slowest that pass', '', table(['test', 'seconds'], rows), ''];
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => escapeCell(String(cell))).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** Errors hold what tests print: nothing of it may be markup, or a path of the machine that built the suite. */
function escapeCell(text: string): string {
  return text
    .replace(/(?:\/[\w.@-]+)+\/(?=test\/e2e\/)/g, '')
    .replace(/[\\|<>`_[\]]/g, '\\$&')
    .replace(/\s+/g, ' ');
}
