/**
 * Metrics in the Prometheus text format: counters, gauges and histograms with labels. A registry belongs to one
 * component; there is no global one.
 */

export type LabelValues = readonly string[];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  write(out: string[]): void;
}

/** How many label combinations a family keeps; later ones are counted under `overflow` in every label. */
const maxSeries = 10_000;

/** Separates label values in a series' key; cannot occur in a valid label. */
const separator = '\u0000';

/** Only goes up. */
export class Counter {
  protected readonly series = new Map<string, number>();
  readonly #labels: readonly string[];

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  inc(values: LabelValues = [], by = 1): void {
    const key = seriesKey(this.series, values);
    this.series.set(key, (this.series.get(key) ?? 0) + by);
  }

  value(values: LabelValues = []): number {
    return this.series.get(values.join(separator)) ?? 0;
  }

  write(name: string, out: string[]): void {
    for (const [key, value] of this.series) out.push(`${name}${labelText(this.#labels, key)} ${value}`);
  }
}

/** Goes up and down. */
export class Gauge extends Counter {
  set(value: number, values: LabelValues = []): void {
    this.series.set(seriesKey(this.series, values), value);
  }
}

interface HistogramSeries {
  readonly counts: Float64Array;
  sum: number;
  count: number;
}

export class Histogram {
  readonly #series = new Map<string, HistogramSeries>();
  readonly #labels: readonly string[];
  readonly #bounds: readonly number[];

  constructor(labels: readonly string[], bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
  }

  observe(value: number, values: LabelValues = []): void {
    const key = seriesKey(this.#series, values);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { counts: new Float64Array(this.#bounds.length), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    series.sum += value;
    series.count++;
    // Few bounds and small values: a plain walk beats a search.
    for (let i = 0; i < this.#bounds.length; i++)
      if (value <= this.#bounds[i]!) {
        series.counts[i]!++;
        return;
      }
  }

  write(name: string, out: string[]): void {
    const labels = [...this.#labels, 'le'];
    for (const [key, series] of this.#series) {
      const prefix = this.#labels.length === 0 ? '' : `${key}${separator}`;
      let total = 0;
      this.#bounds.forEach((bound, i) => {
        total += series.counts[i]!;
        out.push(`${name}_bucket${labelText(labels, `${prefix}${bound}`)} ${total}`);
      });
      out.push(`${name}_bucket${labelText(labels, `${prefix}+Inf`)} ${series.count}`);
      out.push(`${name}_sum${labelText(this.#labels, key)} ${series.sum}`);
      out.push(`${name}_count${labelText(this.#labels, key)} ${series.count}`);
    }
  }
}

/** Seconds; Prometheus' own defaults. */
export const defaultBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #collectors: (() => void)[] = [];

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    return this.#add(name, help, 'counter', new Counter(labels));
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Gauge {
    return this.#add(name, help, 'gauge', new Gauge(labels));
  }

  histogram(name: string, help: string, labels: readonly string[] = [], bounds = defaultBuckets): Histogram {
    return this.#add(name, help, 'histogram', new Histogram(labels, bounds));
  }

  /** Called before each exposition: sets gauges that are cheaper to read than to keep. */
  collect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** The whole text, families by name. */
  text(): string {
    for (const collector of this.#collectors) collector();
    const out: string[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name)!;
      out.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`);
      family.write(out);
    }
    return `${out.join('\n')}\n`;
  }

  #add<T extends { write(name: string, out: string[]): void }>(
    name: string,
    help: string,
    type: Family['type'],
    metric: T,
  ): T {
    if (this.#families.has(name)) throw new Error(`registering metric ${name}: the name is taken`);
    this.#families.set(name, { name, help, type, write: (out) => metric.write(name, out) });
    return metric;
  }
}

function seriesKey(series: ReadonlyMap<string, unknown>, values: LabelValues): string {
  const key = values.length === 1 ? values[0]! : values.join(separator);
  return series.size < maxSeries || series.has(key) ? key : values.map(() => 'overflow').join(separator);
}

function labelText(labels: readonly string[], key: string): string {
  if (labels.length === 0) return '';
  const values = key.split(separator);
  return `{${labels.map((label, i) => `${label}="${escapeValue(values[i] ?? '')}"`).join(',')}}`;
}

const escapeValue = (value: string) => value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
