/** Eviction thresholds: what the configuration's texts mean. */
import { parseDuration } from '../../machinery/codec/go-duration.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';
import type { KubeletConfiguration } from '../config/kubelet-configuration.ts';

/** What is watched; each is crossed when there is less of it than the threshold. */
export const signals = [
  'memory.available',
  'allocatableMemory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'containerfs.available',
  'containerfs.inodesFree',
  'pid.available',
] as const;
export type Signal = (typeof signals)[number];

/** An amount, or a part (0 to 1) of what there is in all. */
export type ThresholdValue = { readonly amount: number } | { readonly part: number };

export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** For how long a soft threshold must be crossed before it counts; 0: a hard one. */
  readonly graceMs: number;
  /** What to free beyond the threshold once it is crossed. */
  readonly minReclaim?: ThresholdValue;
}

type Settings = Pick<
  KubeletConfiguration,
  'evictionHard' | 'evictionSoft' | 'evictionSoftGracePeriod' | 'evictionMinimumReclaim'
>;

/** Hard thresholds, then soft ones. Throws an Error naming the setting that is wrong; 0% and 100% mean "none". */
export function parseThresholds(settings: Settings): Threshold[] {
  const graces = new Map(
    entries('evictionSoftGracePeriod', settings.evictionSoftGracePeriod).map(([signal, text]) => [
      signal,
      graceMs(signal, text),
    ]),
  );
  const reclaims = new Map(
    entries('evictionMinimumReclaim', settings.evictionMinimumReclaim).map(([signal, text]) => [
      signal,
      thresholdValue('evictionMinimumReclaim', signal, text),
    ]),
  );
  const read = (field: 'evictionHard' | 'evictionSoft', graceOf: (signal: Signal) => number): Threshold[] =>
    entries(field, settings[field]).flatMap(([signal, text]) => {
      if (text === '0%' || text === '100%') return [];
      const minReclaim = reclaims.get(signal);
      const value = thresholdValue(field, signal, text);
      return [{ signal, value, graceMs: graceOf(signal), ...(minReclaim && { minReclaim }) }];
    });
  return [
    ...read('evictionHard', () => 0),
    ...read('evictionSoft', (signal) => {
      const grace = graces.get(signal);
      if (grace === undefined)
        throw new Error(`grace period must be specified for the soft eviction threshold ${signal}`);
      return grace;
    }),
  ];
}

/** How much that is where there is `capacity` in all. Upstream keeps parts in 32 bits, and cuts what is left of a byte. */
export function amountOf(value: ThresholdValue, capacity: number): number {
  return 'amount' in value ? value.amount : Math.trunc(capacity * Math.fround(value.part));
}

function entries(field: string, texts: Readonly<Record<string, string>> | undefined): (readonly [Signal, string])[] {
  return Object.entries(texts ?? {}).map(([name, text]) => {
    const signal = signals.find((known) => known === name);
    if (!signal) throw new Error(`${field}: unsupported eviction signal ${name}; known are ${signals.join(', ')}`);
    return [signal, text] as const;
  });
}

function thresholdValue(field: string, signal: Signal, text: string): ThresholdValue {
  const refuse = (want: string) => new Error(`${field}: ${signal}: ${text}: want ${want}`);
  const percentage = /^(.*)%$/.exec(text)?.[1];
  if (percentage !== undefined) {
    const part = Number(percentage) / 100;
    if (percentage.trim() === '' || !(part >= 0 && part <= 1)) throw refuse('0% to 100%');
    if (field === 'evictionMinimumReclaim' && part === 0) throw refuse('more than 0%');
    return { part };
  }
  const quantity = Quantity.tryParse(text);
  if (!quantity) throw refuse('a quantity such as 500Mi, or a percentage');
  const isZeroFine = field === 'evictionMinimumReclaim';
  if (quantity.sign < 0 || (quantity.isZero() && !isZeroFine)) throw refuse('a positive quantity');
  return { amount: Number(quantity.value()) };
}

function graceMs(signal: Signal, text: string): number {
  let nanoseconds: bigint;
  try {
    nanoseconds = parseDuration(text);
  } catch (error) {
    throw new Error(`evictionSoftGracePeriod: ${signal}: ${text}: want a duration such as 1m30s`, { cause: error });
  }
  if (nanoseconds < 0n) throw new Error(`evictionSoftGracePeriod: ${signal}: ${text}: want no negative duration`);
  return Number(nanoseconds / 1_000_000n);
}
