/** How long kubelets may keep Secrets and ConfigMaps before they ask again: longer in larger clusters. Pure. */

interface Size {
  readonly ttlSeconds: number;
  /** Entered at `min` nodes from below, left again under it; the ranges overlap so that one node does not flip all. */
  readonly min: number;
  readonly max: number;
}

const sizes: readonly Size[] = [
  { min: 0, max: 100, ttlSeconds: 0 },
  { min: 90, max: 500, ttlSeconds: 15 },
  { min: 450, max: 1000, ttlSeconds: 30 },
  { min: 900, max: 2000, ttlSeconds: 60 },
  { min: 1800, max: 10_000, ttlSeconds: 300 },
  { min: 9000, max: Number.MAX_SAFE_INTEGER, ttlSeconds: 600 },
];

export interface TtlState {
  /** Which size the cluster has; 0 at the start. */
  readonly size: number;
  readonly ttlSeconds: number;
}

export const smallest: TtlState = { size: 0, ttlSeconds: 0 };

export function planTtl(state: TtlState, nodes: number): TtlState {
  let { size } = state;
  while (size > 0 && nodes < sizes[size]!.min) size--;
  while (size < sizes.length - 1 && nodes > sizes[size]!.max) size++;
  return { size, ttlSeconds: sizes[size]!.ttlSeconds };
}
