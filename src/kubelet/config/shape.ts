/** Shapes of configuration fields: what a decoded value must be, and its TypeScript type. */
import { parseDuration } from '../../machinery/codec/go-duration.ts';

export interface Shape<T> {
  /** Told in errors: `want a duration such as "10s"`. */
  readonly wants: string;
  readonly accepts: (value: unknown) => boolean;
  /** For the compiler alone: never set. */
  readonly type?: T;
  /** Set for objects: their fields by name. */
  readonly fields?: Readonly<Record<string, Shape<unknown>>>;
  /** Set for lists: what each item is. */
  readonly item?: Shape<unknown>;
  /** A duration's text is written in Go's canonical form. */
  readonly isDuration?: true;
}

export type ValueOf<S> = S extends Shape<infer T> ? T : never;
type Fields = Readonly<Record<string, Shape<unknown>>>;
type ObjectOf<F> = { readonly [K in keyof F]?: ValueOf<F[K]> };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function simple<T>(wants: string, accepts: (value: unknown) => boolean): Shape<T> {
  return { wants, accepts };
}

export const text: Shape<string> = simple('a string', (value) => typeof value === 'string');
export const bool: Shape<boolean> = simple('true or false', (value) => typeof value === 'boolean');
export const float: Shape<number> = simple('a number', (value) => typeof value === 'number');
export const integer: Shape<number> = simple('a whole number', Number.isSafeInteger);
export const int32: Shape<number> = simple(
  'a whole number of 32 bits',
  (value) => Number.isInteger(value) && (value as number) === ((value as number) | 0),
);
/** Whatever it is: decoded by whoever heeds it. */
export const anything: Shape<unknown> = simple('anything', () => true);

/** Go's durations, as text: numbers are refused, as upstream's decoder does. */
export const duration: Shape<string> = {
  ...simple<string>('a duration such as "10s"', (value) => {
    if (typeof value !== 'string') return false;
    try {
      parseDuration(value);
      return true;
    } catch {
      return false;
    }
  }),
  isDuration: true,
};

export function mapOf<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return simple(
    `a map of names to ${item.wants}`,
    (value) => isRecord(value) && Object.values(value).every(item.accepts),
  );
}

export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return { ...simple<readonly T[]>('a list', Array.isArray), item: item as Shape<unknown> };
}

export function object<F extends Fields>(fields: F): Shape<ObjectOf<F>> & { readonly fields: F } {
  return { ...simple<ObjectOf<F>>('an object', isRecord), fields };
}
