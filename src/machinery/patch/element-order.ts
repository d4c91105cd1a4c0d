/** The order of merged lists: what the patch names keeps the patch's order, what only the server has keeps its own. */
import { getKey, isMap } from './json-value.ts';

export type OrderedList = readonly unknown[];

/**
 * Orders `merged`. Items named by `patchOrder` come in that order; the others, in the order of `serverOrder`, are woven
 * in before the first item that stood behind them on the server. `mergeKey` names elements; without one they are scalars.
 */
export function applyElementOrder(
  merged: OrderedList,
  patchOrder: OrderedList,
  serverOrder: OrderedList,
  mergeKey: string | undefined,
): unknown[] {
  const name = (item: unknown) => (mergeKey === undefined ? item : isMap(item) ? getKey(item, mergeKey) : undefined);
  const inPatch = placesOf(patchOrder, name);
  const onServer = placesOf(serverOrder, name);
  const place = (places: Map<unknown, number>, item: unknown) => places.get(name(item)) ?? -1;
  const byPlace = (places: Map<unknown, number>) => (a: unknown, b: unknown) => place(places, a) - place(places, b);

  const fromPatch = merged.filter((item) => inPatch.has(name(item))).sort(byPlace(inPatch));
  const serverOnly = merged.filter((item) => !inPatch.has(name(item))).sort(byPlace(onServer));
  const out: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < serverOnly.length && j < fromPatch.length) {
    const left = place(onServer, serverOnly[i]);
    const right = place(onServer, fromPatch[j]);
    out.push(left >= 0 && right >= 0 && left < right ? serverOnly[i++] : fromPatch[j++]);
  }
  return [...out, ...fromPatch.slice(j), ...serverOnly.slice(i)];
}

/** The first place of each. */
function placesOf(list: OrderedList, name: (item: unknown) => unknown): Map<unknown, number> {
  const places = new Map<unknown, number>();
  list.forEach((item, i) => {
    if (!places.has(name(item))) places.set(name(item), i);
  });
  return places;
}
