/** Whom a critical pod makes room with. Pure. */
import { podRequests, qosClass } from '../containers/resources.ts';
import type { Pod } from '../types.ts';
import { isPreemptable } from './critical.ts';

export type Shortage = ReadonlyMap<'pods' | 'cpuMilli' | 'memoryBytes' | 'ephemeralStorageBytes', number>;

/**
 * The pods to end so that what `pod` lacks is free: none that is guaranteed where burstable ones are enough, none that is
 * burstable where best-effort ones are, and of each class as few and as small ones as can be. Undefined: all that may be
 * ended would not be enough.
 */
export function podsToPreempt(pod: Pod, others: readonly Pod[], short: Shortage): Pod[] | undefined {
  const may = others.filter((other) => isPreemptable(pod, other));
  const of = (qos: string) => may.filter((other) => qosClass(other) === qos);
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')];
  if (less(short, may).size > 0) return undefined;
  const third = nearest(guaranteed, less(short, [...bestEffort, ...burstable]));
  const second = nearest(burstable, less(short, [...bestEffort, ...third]));
  const first = nearest(bestEffort, less(short, [...second, ...third]));
  return [...first, ...second, ...third];
}

/** One after the other, that which brings what is lacking the nearest to nothing; of equals the one that asks for less. */
function nearest(pods: readonly Pod[], short: Shortage): Pod[] {
  const left = [...pods];
  const chosen: Pod[] = [];
  for (let lacking = short; lacking.size > 0; ) {
    const [best] = left.sort((a, b) => distance(a, lacking) - distance(b, lacking) || size(a, b));
    if (!best) break;
    left.splice(left.indexOf(best), 1);
    chosen.push(best);
    lacking = less(lacking, [best]);
  }
  return chosen;
}

function less(short: Shortage, pods: readonly Pod[]): Shortage {
  const left = [...short].map(
    ([name, amount]) => [name, amount - pods.reduce((sum, pod) => sum + has(pod, name), 0)] as const,
  );
  return new Map(left.filter(([, amount]) => amount > 0));
}

/** Each thing that is lacking counts alike: by the part of it that would still be lacking, squared. */
function distance(pod: Pod, short: Shortage): number {
  let sum = 0;
  for (const [name, amount] of short) sum += (Math.max(0, amount - has(pod, name)) / amount) ** 2;
  return sum;
}

function size(a: Pod, b: Pod): number {
  return has(a, 'memoryBytes') - has(b, 'memoryBytes') || has(a, 'cpuMilli') - has(b, 'cpuMilli');
}

function has(pod: Pod, name: 'pods' | 'cpuMilli' | 'memoryBytes' | 'ephemeralStorageBytes'): number {
  return name === 'pods' ? 1 : podRequests(pod)[name];
}
