/** Measurements as lines for the terminal and as tables for docs/benchmarks.md. */
import { cpuRatioOf, type Measurement, medianOf, ratioOf, valuesOf } from './measurement.ts';
import { summarize, type Summary } from '../harness.ts';
import type { SideName } from './side.ts';

export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toPrecision(2);
}

const spread = ({ median, min, max }: Summary, of = figure): string =>
  min === max ? of(median) : `${of(median)} [${of(min)}..${of(max)}]`;

const times = (ratio: number): string => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}x`;

function sideText(m: Measurement, side: SideName): string {
  const values = valuesOf(m, side);
  return values.length === 0 ? 'not yet' : spread(summarize(values));
}

/** One line, as soon as it is measured. */
export function measurementLine(m: Measurement): string {
  const ratio = ratioOf(m);
  const cpu = cpuRatioOf(m);
  const share = (side: SideName) => medianOf(m, side, (turn) => turn.generatorShare);
  const parts = [
    `${m.title.padEnd(52)} ${m.unit.padEnd(10)}`,
    `skiff ${sideText(m, 'skiff')}`,
    `upstream ${sideText(m, 'upstream')}`,
    ratio ? `ratio ${spread(ratio, times)}` : '',
    cpu
      ? `cpu/op ${(['skiff', 'upstream'] as const).map((s) => cpuText(m, s)).join(' / ')} us (${times(cpu.median)})`
      : '',
    p99Text(m) === '' ? '' : `p99 ${p99Text(m)} ms`,
    share('skiff') === undefined
      ? ''
      : `generator ${percent(share('skiff'))} / ${percent(share('upstream'))} of the processor time, machine busy ${percent(medianOf(m, 'skiff', (t) => t.busy))} / ${percent(medianOf(m, 'upstream', (t) => t.busy))}`,
    ...Object.entries(m.notYet).map(([side, why]) => `not yet (${side}): ${why}`),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

const percent = (share: number | undefined): string => (share === undefined ? '-' : `${Math.round(share * 100)} %`);

function cpuText(m: Measurement, side: SideName): string {
  const micros = medianOf(m, side, (turn) => turn.cpuMicros);
  return micros === undefined ? '-' : figure(micros);
}

function p99Text(m: Measurement): string {
  const sides = (['skiff', 'upstream'] as const).map((side) => medianOf(m, side, (turn) => turn.p99Ms));
  return sides.every((p99) => p99 === undefined)
    ? ''
    : sides.map((p99) => (p99 === undefined ? '-' : figure(p99))).join(' / ');
}

/** How much of the machine others had while it was measured, over all turns. */
export function othersText(measurements: readonly Measurement[]): string {
  const shares = measurements.flatMap((m) =>
    [...m.turns.skiff, ...m.turns.upstream].flatMap(({ others }) => (others === undefined ? [] : [others])),
  );
  if (shares.length === 0) return '';
  const { median, min, max } = summarize(shares);
  return `${percent(median)} [${percent(min)}..${percent(max)}]`;
}

/** Groups by how they begin, as they are shown. */
const groupOrder = ['Single', 'Lists', 'Watch', 'Scheduling', 'Footprint'];

/** A table for each group. */
export function markdown(measurements: readonly Measurement[]): string {
  const groups = new Map<string, Measurement[]>();
  const place = ({ group }: Measurement) => groupOrder.findIndex((word) => group.startsWith(word));
  for (const m of [...measurements].sort((a, b) => place(a) - place(b)))
    groups.set(m.group, [...(groups.get(m.group) ?? []), m]);
  return [...groups].map(([group, members]) => `### ${group}\n\n${table(members)}`).join('\n\n');
}

function table(members: readonly Measurement[]): string {
  const rows = members.map((m) => {
    const [ratio, cpu] = [ratioOf(m), cpuRatioOf(m)];
    return [
      m.title,
      m.unit,
      sideText(m, 'skiff'),
      sideText(m, 'upstream'),
      ratio ? spread(ratio, times) : reason(m),
      goalText(m, ratio),
      medianOf(m, 'skiff', (turn) => turn.cpuMicros) === undefined
        ? ''
        : `${cpuText(m, 'skiff')} / ${cpuText(m, 'upstream')}${cpu ? ` (${times(cpu.median)})` : ''}`,
      p99Text(m),
      ['skiff', 'upstream']
        .map((s) => percent(medianOf(m, s as SideName, (t) => t.generatorShare)))
        .join(' / ')
        .replace('- / -', ''),
    ];
  });
  const head = ['load', 'unit', 'Skiff', 'upstream', 'ratio', 'goal', 'CPU us/op', 'p99 ms', 'generator'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function reason(m: Measurement): string {
  return Object.entries(m.notYet)
    .map(([side, why]) => `not yet: ${side}: ${why.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 160)}`)
    .join('; ');
}

function goalText(m: Measurement, ratio: Summary | undefined): string {
  if (m.goal === undefined) return '';
  if (ratio === undefined) return `${times(m.goal)}: open`;
  return `${times(m.goal)}: ${ratio.median >= m.goal ? 'met' : 'not met'}`;
}
