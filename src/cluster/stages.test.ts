import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { Stages } from './stages.ts';

function make() {
  const said: string[] = [];
  const stop = new AbortController();
  return {
    said,
    stop,
    stages: new Stages(
      createLogger(0, (line) => said.push(line)),
      stop.signal,
    ),
  };
}

describe('Stages', () => {
  it('undo what was done, last first, and only once', async () => {
    const { stages } = make();
    const undone: string[] = [];
    for (const name of ['store', 'server', 'node'])
      await stages.run(
        name,
        () => name,
        (value) => void undone.push(value),
      );
    await stages.undoAll();
    await stages.undoAll();
    expect(undone).toEqual(['node', 'server', 'store']);
  });

  it('end at a signal, with the stage that was under way undone', async () => {
    const { stages, stop } = make();
    const undone: string[] = [];
    const reason = new Error('told to stop');
    const running = stages.run(
      'store',
      async () => {
        stop.abort(reason);
        return 'store';
      },
      (value) => void undone.push(value),
    );
    await expect(running).rejects.toBe(reason);
    await expect(stages.run('server', () => 'never')).rejects.toBe(reason);
    await stages.undoAll();
    expect(undone).toEqual(['store']);
  });

  it('wait for a stage that runs beside one that failed, and undo it', async () => {
    const { stages } = make();
    const undone: string[] = [];
    let finish = (_: string) => {};
    const slow = stages.run(
      'slow',
      () => new Promise<string>((resolve) => (finish = resolve)),
      (value) => void undone.push(value),
    );
    await expect(stages.run('failing', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const undoing = stages.undoAll();
    expect(undone).toEqual([]);
    finish('slow');
    await undoing;
    expect(undone).toEqual(['slow']);
    await slow;
  });

  it('go on with the rest when a part fails to stop, and say so', async () => {
    const { stages, said } = make();
    const undone: string[] = [];
    await stages.run(
      'first',
      () => 1,
      () => void undone.push('first'),
    );
    await stages.run(
      'second',
      () => 2,
      () => {
        throw new Error('it is stuck');
      },
    );
    await stages.undoAll();
    expect(undone).toEqual(['first']);
    expect(said.join('\n')).toContain('stopping second: it is stuck');
  });
});
