import { describe, expect, it } from 'vitest';
import { BoundedQueue, QueueClosedError } from './bounded-queue.ts';

const drain = <T>(queue: BoundedQueue<T>) => {
  const items: T[] = [];
  for (let item = queue.poll(); item !== undefined; item = queue.poll()) items.push(item);
  return items;
};

describe('BoundedQueue', () => {
  it('gives items in the order they came, around the ring many times', () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 3, whenFull: 'refuse' });
    const out: (number | undefined)[] = [];
    for (let i = 0; i < 20; i += 2) {
      queue.offer(i);
      queue.offer(i + 1);
      out.push(queue.poll(), queue.poll());
    }
    expect(out).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('refuses what does not fit, when that is the policy', async () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 2, whenFull: 'refuse' });
    expect([queue.offer(1), queue.offer(2), queue.offer(3)]).toEqual([true, true, false]);
    await expect(queue.push(3)).rejects.toThrow('queue q is full (2 items)');
    expect(drain(queue)).toEqual([1, 2]);
  });

  it('lets go of the oldest and says so, when that is the policy', () => {
    const dropped: number[] = [];
    const queue = new BoundedQueue<number>({
      name: 'q',
      capacity: 2,
      whenFull: 'drop-oldest',
      onDrop: (item) => dropped.push(item),
    });
    for (let i = 1; i <= 5; i++) expect(queue.offer(i)).toBe(true);
    expect(dropped).toEqual([1, 2, 3]);
    expect(drain(queue)).toEqual([4, 5]);
  });

  it('makes pushers wait for room and lets them in by turns', async () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 1, whenFull: 'wait' });
    await queue.push(1);
    const done: number[] = [];
    const pushes = [2, 3].map((i) => queue.push(i).then(() => done.push(i)));
    expect(queue.offer(9)).toBe(false);
    expect(await queue.take()).toBe(1);
    expect(await queue.take()).toBe(2);
    await Promise.all(pushes);
    expect(done).toEqual([2, 3]);
    expect(drain(queue)).toEqual([3]);
  });

  it('hands an item to the taker that waits longest', async () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 1, whenFull: 'refuse' });
    const takes = Promise.all([queue.take(), queue.take()]);
    queue.offer(1);
    queue.offer(2);
    expect(await takes).toEqual([1, 2]);
    expect(queue.size).toBe(0);
  });

  it('forgets a taker or pusher whose signal aborts', async () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 1, whenFull: 'wait' });
    const controller = new AbortController();
    const take = queue.take(controller.signal);
    controller.abort(new Error('enough'));
    await expect(take).rejects.toThrow('enough');
    queue.offer(1);
    expect(queue.size).toBe(1);
    const second = new AbortController();
    const push = queue.push(2, second.signal);
    second.abort(new Error('enough'));
    await expect(push).rejects.toThrow('enough');
    expect(drain(queue)).toEqual([1]);
    await expect(queue.take(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });

  it('when closed gives what is inside and then ends', async () => {
    const queue = new BoundedQueue<number>({ name: 'q', capacity: 2, whenFull: 'wait' });
    queue.offer(1);
    queue.offer(2);
    const waiting = queue.push(3);
    queue.close();
    await expect(waiting).rejects.toBeInstanceOf(QueueClosedError);
    await expect(queue.push(4)).rejects.toBeInstanceOf(QueueClosedError);
    const items: number[] = [];
    for await (const item of queue) items.push(item);
    expect(items).toEqual([1, 2]);
    await expect(queue.take()).rejects.toBeInstanceOf(QueueClosedError);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses the capacity %s', (capacity) => {
    expect(() => new BoundedQueue({ name: 'q', capacity, whenFull: 'wait' })).toThrow(RangeError);
  });
});
