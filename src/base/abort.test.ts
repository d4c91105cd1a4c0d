import { describe, expect, test } from 'vitest';
import { onAbort } from './abort.ts';

describe('onAbort', () => {
  test('calls every callback once, but not those taken back', () => {
    const abort = new AbortController();
    const seen: string[] = [];
    const takeBack = onAbort(abort.signal, () => seen.push('taken back'));
    onAbort(abort.signal, () => seen.push('a'));
    onAbort(abort.signal, () => seen.push('b'));
    takeBack();
    abort.abort();
    expect(seen).toEqual(['a', 'b']);
  });

  test('a callback given twice is two', () => {
    const abort = new AbortController();
    let calls = 0;
    const callback = () => {
      calls++;
    };
    onAbort(abort.signal, callback)();
    onAbort(abort.signal, callback);
    abort.abort();
    expect(calls).toBe(1);
  });
});
