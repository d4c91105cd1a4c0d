import { describe, expect, it } from 'vitest';
import { Lifetime } from './lifetime.ts';

const never = () => {
  throw new Error('no task error was expected');
};

describe('Lifetime', () => {
  it('aborts, waits for its tasks, then disposes, last added first', async () => {
    const seen: string[] = [];
    const life = new Lifetime(never);
    life.defer(() => void seen.push('first disposer'));
    life.defer(async () => void seen.push('second disposer'));
    life.spawn(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise(setImmediate);
      seen.push('task');
    });
    expect(life.stopped).toBe(false);
    await life.stop();
    expect(life.stopped).toBe(true);
    expect(seen).toEqual(['task', 'second disposer', 'first disposer']);
  });

  it('stops once, however often it is asked', async () => {
    let disposed = 0;
    const life = new Lifetime(never);
    life.defer(() => void disposed++);
    expect(life.stop()).toBe(life.stop());
    await life.stop();
    expect(disposed).toBe(1);
  });

  it('reports the error of a task, but not one that the abort brought', async () => {
    const errors: unknown[] = [];
    const life = new Lifetime((error) => errors.push(error));
    life.spawn(() => Promise.reject(new Error('broken')));
    life.spawn(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    await new Promise(setImmediate);
    await life.stop();
    expect(errors).toEqual([new Error('broken')]);
  });

  it('disposes everything though some of it fails, and says so', async () => {
    const seen: string[] = [];
    const life = new Lifetime(never);
    life.defer(() => void seen.push('kept'));
    life.defer(() => {
      throw new Error('broken');
    });
    await expect(life.stop()).rejects.toThrow('stopping: 1 part(s) failed to stop');
    expect(seen).toEqual(['kept']);
  });

  it('disposes at once what comes after the stop', async () => {
    const life = new Lifetime(never);
    await life.stop();
    let disposed = false;
    life.defer(() => void (disposed = true));
    expect(disposed).toBe(true);
  });

  it('is aborted with its parent, also one that was aborted before', () => {
    const parent = new AbortController();
    const child = new Lifetime(never, parent.signal);
    parent.abort();
    expect([child.stopped, new Lifetime(never, parent.signal).stopped]).toEqual([true, true]);
  });
});
