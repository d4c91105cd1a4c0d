import { Quantity } from '../../machinery/quantity/quantity.ts';

/** The same few texts ("100m", "64Mi") come with every pod: parsed ones are kept, all dropped when there are too many. */
const maxKept = 4096;
const kept = new Map<string, Quantity>();

function parse(text: string): Quantity {
  let quantity = kept.get(text);
  if (quantity === undefined) {
    quantity = Quantity.parse(text);
    if (kept.size >= maxKept) kept.clear();
    kept.set(text, quantity);
  }
  return quantity;
}

/** Whole units, rounded up. Beyond 2^53 neighbours fall together, which no node reaches (8 PiB). */
export function wholeUnits(text: string): number {
  return Number(parse(text).value());
}

/** Thousandths, rounded up. */
export function milliUnits(text: string): number {
  return Number(parse(text).milliValue());
}
