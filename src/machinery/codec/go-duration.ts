/** Durations in Go's notation, exact to the nanosecond. */

/** Nanoseconds in Go's notation: `1h0m0.5s`, `250ms`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const total = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const decimal = (value: bigint, unit: bigint) => {
    const rest = value % unit;
    const digits = rest
      .toString()
      .padStart(unit.toString().length - 1, '0')
      .replace(/0+$/, '');
    return rest === 0n ? `${value / unit}` : `${value / unit}.${digits}`;
  };
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${decimal(total, 1_000n)}µs`;
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 1_000_000n)}ms`;
  const minutes = total / 60_000_000_000n;
  const seconds = decimal(total % 60_000_000_000n, 1_000_000_000n);
  if (minutes === 0n) return `${sign}${seconds}s`;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60n}m${seconds}s`;
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of `1h2m0.5s`. Throws RangeError for other texts. */
export function parseDuration(text: string): bigint {
  const body = text.replace(/^[+-]/, '');
  const parts = [...body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/gy)];
  const read = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (body !== '0' && (body === '' || read !== body.length)) throw new RangeError(`invalid duration "${text}"`);
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of parts) {
    const size = units[unit]!;
    total += BigInt(whole || '0') * size;
    // What is smaller than a nanosecond is dropped.
    if (fraction !== '') total += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith('-') ? -total : total;
}
