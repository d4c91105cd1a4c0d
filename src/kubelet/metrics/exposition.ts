/** Prometheus' text form of figures that are read when they are asked for, not kept. */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | undefined;
  /** Milliseconds since the epoch; left out: now. */
  readonly atMs?: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

/** Families by name; samples without a value are left out, and families without samples. */
export function expose(families: readonly Family[]): string {
  const out: string[] = [];
  for (const { name, help, type, samples } of [...families].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const known = samples.filter(({ value }) => value !== undefined);
    if (known.length === 0) continue;
    out.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value, atMs } of known)
      out.push(`${name}${labelText(labels)} ${value}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`);
  }
  return `${out.join('\n')}\n`;
}

function labelText(labels: Readonly<Record<string, string>> = {}): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

const escaped = (c: string) => (c === '\n' ? '\\n' : `\\${c}`);
