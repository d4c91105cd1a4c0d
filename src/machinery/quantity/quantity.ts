/**
 * Quantities (apimachinery api/resource): exact decimal numbers with a suffix, like `100m`, `1.5Gi`, `1e3`. Immutable.
 * Nothing is ever a float; what Go re-marshals a quantity to is what `toString` gives, its oddities included.
 */

export type QuantityFormat = 'DecimalExponent' | 'BinarySI' | 'DecimalSI';

const splitFormat = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';

/** The message is upstream's. */
export class QuantityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QuantityError';
  }
}
const wrongFormat = () => new QuantityError(`quantities must match the regular expression '${splitFormat}'`);

const decimalSuffixes: Readonly<Record<string, number | undefined>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: Readonly<Record<string, number | undefined>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalByExponent = new Map(Object.entries(decimalSuffixes).map(([s, e]) => [e!, s]));
const binaryByExponent = new Map(Object.entries(binarySuffixes).map(([s, e]) => [e!, s]));

const maxInt64 = (1n << 63n) - 1n;
/** Finest unit that is kept: smaller parts are rounded up, away from zero. */
const nano = -9;

const pow10 = (n: number): bigint => 10n ** BigInt(n);
const abs = (n: bigint): bigint => (n < 0n ? -n : n);

/** `mantissa * 10^-digits`, rounded away from zero. */
function divideUp(mantissa: bigint, divisor: bigint): bigint {
  const quotient = mantissa / divisor;
  if (quotient * divisor === mantissa) return quotient;
  return mantissa < 0n ? quotient - 1n : quotient + 1n;
}

export class Quantity {
  /** The value is mantissa * 10^scale. */
  readonly #mantissa: bigint;
  readonly #scale: number;
  readonly format: QuantityFormat;
  #text: string | undefined;

  private constructor(mantissa: bigint, scale: number, format: QuantityFormat, text?: string) {
    this.#mantissa = mantissa;
    this.#scale = mantissa === 0n ? 0 : scale;
    this.format = format;
    this.#text = text;
  }

  static readonly zero = new Quantity(0n, 0, 'DecimalSI', '0');

  /** A whole number, written with the suffixes of `format`. */
  static of(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), 0, format);
  }

  /** Thousandths. */
  static ofMilli(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), -3, format);
  }

  /** From the JSON form: a string, or a bare number. Throws QuantityError. */
  static parse(value: string | number | bigint): Quantity {
    const text = typeof value === 'string' ? value : String(value);
    if (text === '0') return Quantity.zero;
    const match = /^([+-]?)(\d*)(\.?)(\d*)([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
    if (match === null || text === '') throw wrongFormat();
    const [, sign = '', whole = '', , fraction = '', suffix = ''] = match;
    const { base, exponent, format } = interpretSuffix(suffix);
    const num = whole.replace(/^0+/, '') || '0';
    const digits = num + fraction;
    let mantissa = BigInt(digits);
    if (sign === '-') mantissa = -mantissa;
    let scale = -fraction.length;
    if (base === 10) scale += exponent;
    else mantissa *= 1n << BigInt(exponent);
    if (keepsItsText(num, fraction, exponent, format, scale)) return new Quantity(mantissa, scale, format, text);
    if (scale < nano && mantissa !== 0n) {
      mantissa = divideUp(mantissa, pow10(nano - scale));
      scale = nano;
    }
    let kept = format;
    if (format === 'BinarySI') {
      if (scaledUp(abs(mantissa), scale, 0) > maxInt64) {
        mantissa = mantissa < 0n ? -maxInt64 : maxInt64;
        scale = 0;
      }
      if (mantissa !== 0n && abs(mantissa) < (scale < 0 ? pow10(-scale) : 1n)) kept = 'DecimalSI';
    }
    return new Quantity(mantissa, scale, kept);
  }

  /** Undefined instead of an error. */
  static tryParse(value: string | number | bigint): Quantity | undefined {
    try {
      return Quantity.parse(value);
    } catch (error) {
      if (error instanceof QuantityError) return undefined;
      throw error;
    }
  }

  get sign(): -1 | 0 | 1 {
    return this.#mantissa === 0n ? 0 : this.#mantissa < 0n ? -1 : 1;
  }

  isZero(): boolean {
    return this.#mantissa === 0n;
  }

  compare(other: Quantity): -1 | 0 | 1 {
    const [a, b] = aligned(this, other);
    return a < b ? -1 : a > b ? 1 : 0;
  }

  equals(other: Quantity): boolean {
    return this.compare(other) === 0;
  }

  /** Keeps this format, unless this is zero. */
  add(other: Quantity): Quantity {
    const [a, b, scale] = aligned(this, other);
    return new Quantity(a + b, scale, this.isZero() ? other.format : this.format);
  }

  /** Keeps this format, unless this is zero. */
  sub(other: Quantity): Quantity {
    const [a, b, scale] = aligned(this, other);
    return new Quantity(a - b, scale, this.isZero() ? other.format : this.format);
  }

  mul(factor: bigint | number): Quantity {
    return new Quantity(this.#mantissa * BigInt(factor), this.#scale, this.format);
  }

  neg(): Quantity {
    return new Quantity(-this.#mantissa, this.#scale, this.format);
  }

  /** In units of 10^scale, rounded away from zero. */
  scaledValue(scale: number): bigint {
    return scaledUp(this.#mantissa, this.#scale, scale);
  }

  /** Whole units, rounded away from zero. */
  value(): bigint {
    return this.scaledValue(0);
  }

  /** Thousandths, rounded away from zero. */
  milliValue(): bigint {
    return this.scaledValue(-3);
  }

  /** For shares and scores, where rounding does no harm. */
  toNumber(): number {
    return this.#scale >= 0 ? Number(this.#mantissa * pow10(this.#scale)) : Number(`${this.#mantissa}e${this.#scale}`);
  }

  /** The canonical form. */
  toString(): string {
    this.#text ??= this.#canonical();
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  #canonical(): string {
    if (this.#mantissa === 0n) return '0';
    let { format } = this;
    if (format === 'BinarySI') {
      const whole = this.value();
      const exact = this.#scale >= 0 || this.#mantissa % pow10(-this.#scale) === 0n;
      if (!exact || (whole > -1024n && whole < 1024n)) format = 'DecimalSI';
      else return binaryText(whole);
    }
    let mantissa = this.#mantissa;
    let exponent = this.#scale;
    while (mantissa % 10n === 0n) {
      mantissa /= 10n;
      exponent++;
    }
    while (exponent % 3 !== 0) {
      mantissa *= 10n;
      exponent--;
    }
    if (format === 'DecimalExponent') return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
    // Past the largest suffix the digits are written out.
    while (exponent > 18) {
      mantissa *= 1000n;
      exponent -= 3;
    }
    return `${mantissa}${decimalByExponent.get(exponent) ?? `e${exponent}`}`;
  }

  /** Both mantissas at the finer of the two scales. */
  static align(a: Quantity, b: Quantity): [bigint, bigint, number] {
    const scale = Math.min(a.#scale, b.#scale);
    return [a.#mantissa * pow10(a.#scale - scale), b.#mantissa * pow10(b.#scale - scale), scale];
  }
}

const aligned = Quantity.align;

function scaledUp(mantissa: bigint, from: number, to: number): bigint {
  return from >= to ? mantissa * pow10(from - to) : divideUp(mantissa, pow10(to - from));
}

function binaryText(whole: bigint): string {
  let value = whole;
  let exponent = 0;
  while (exponent < 60 && value % 1024n === 0n) {
    value /= 1024n;
    exponent += 10;
  }
  return `${value}${binaryByExponent.get(exponent) ?? ''}`;
}

function interpretSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(decimalSuffixes, suffix) ? decimalSuffixes[suffix] : undefined;
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' };
  const binary = Object.hasOwn(binarySuffixes, suffix) ? binarySuffixes[suffix] : undefined;
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' };
  const match = /^[eE]([+-]?\d{1,9})$/.exec(suffix);
  if (match === null) throw new QuantityError("unable to parse quantity's suffix");
  const exponent = Number(match[1]);
  // No real quantity is out there, and 10^exponent must stay computable.
  if (Math.abs(exponent) > 10_000) throw new QuantityError('unable to parse numeric part of quantity');
  return { base: 10, exponent, format: 'DecimalExponent' };
}

/**
 * Whether upstream keeps the text as it was written: its fast path takes small enough numbers and looks at them only
 * coarsely, so that `1.500` stays `1.500` while `1.5` becomes `1500m`.
 */
function keepsItsText(num: string, fraction: string, exponent: number, format: QuantityFormat, scale: number): boolean {
  const digits = num + fraction;
  if (format === 'BinarySI') {
    if (fraction !== '' || 15 - num.length - Math.trunc(exponent * 0.3) - 1 < 0) return false;
    return (BigInt(num) & 7n) !== 0n;
  }
  if (18 - digits.length < 0 || scale < nano) return false;
  return scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0';
}
