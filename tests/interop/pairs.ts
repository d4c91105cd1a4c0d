/** Which clusters are made: every component of theirs among ours, every component of ours among theirs. */

export const components = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
] as const;

export type ComponentName = (typeof components)[number];
export type Side = 'ours' | 'theirs';

export interface Pair {
  /** As on the command line: `theirs/kubelet` is upstream's kubelet in a cluster of ours. */
  readonly name: string;
  readonly sideOf: (component: ComponentName) => Side;
}

const other = (side: Side): Side => (side === 'ours' ? 'theirs' : 'ours');

const whole = (side: Side): Pair => ({ name: `${side}/all`, sideOf: () => side });
const single = (component: ComponentName, side: Side): Pair => ({
  name: `${side}/${component}`,
  sideOf: (name) => (name === component ? side : other(side)),
});

/** Their API server stands on etcd, ours on its own store. */
export const pairs: readonly Pair[] = [
  whole('ours'),
  ...components.map((component) => single(component, 'theirs')),
  // Our API server among their components is the pair in which all others are theirs.
  ...components.map((component) => single(component, 'ours')),
  whole('theirs'),
];

/** In words, for the table. */
export function describePair({ name }: Pair): string {
  const [side, component] = name.split('/') as [Side, string];
  if (component === 'all') return side === 'ours' ? 'every component ours' : "every component upstream's";
  return side === 'ours' ? `our ${component}, the others upstream's` : `upstream's ${component}, the others ours`;
}
