import { describe, expect, test } from 'vitest';
import { EventWindow, freshMs, maximumBytes, maximumCapacity, minimumCapacity } from './event-window.ts';

const event = (revision: number, atMs = 0, bytes = 1) => ({ revision, atMs, bytes });
const revisions = (window: EventWindow<ReturnType<typeof event>>, after: number) =>
  window.after(after).map((e) => e.revision);

test('gives what came after a revision, several events of one included', () => {
  const window = new EventWindow<ReturnType<typeof event>>(10);
  for (const revision of [12, 15, 15, 20]) window.push(event(revision));
  expect(revisions(window, 10)).toEqual([12, 15, 15, 20]);
  expect(revisions(window, 12)).toEqual([15, 15, 20]);
  expect(revisions(window, 14)).toEqual([15, 15, 20]);
  expect(revisions(window, 20)).toEqual([]);
  expect(window.completeAfter).toBe(10);
});

describe('capacity', () => {
  test('doubles while the oldest event is fresh', () => {
    const window = new EventWindow<ReturnType<typeof event>>(0);
    for (let i = 1; i <= minimumCapacity * 3; i++) window.push(event(i, i));
    expect([window.capacity, window.completeAfter]).toEqual([minimumCapacity * 4, 0]);
  });

  test('stays where the oldest may go', () => {
    const window = new EventWindow<ReturnType<typeof event>>(0);
    for (let i = 1; i <= minimumCapacity + 5; i++) window.push(event(i, i * freshMs));
    expect([window.capacity, window.completeAfter, window.size]).toEqual([minimumCapacity, 5, minimumCapacity]);
  });

  test('halves when traffic is gone', () => {
    const window = new EventWindow<ReturnType<typeof event>>(0);
    for (let i = 1; i <= minimumCapacity * 4; i++) window.push(event(i, 0));
    for (let i = 1; i <= minimumCapacity * 4; i++) window.push(event(minimumCapacity * 4 + i, i * freshMs));
    expect(window.capacity).toBe(minimumCapacity);
    expect(revisions(window, window.completeAfter)).toHaveLength(window.size);
  });

  test('is bounded', () => {
    const window = new EventWindow<ReturnType<typeof event>>(0);
    for (let i = 1; i <= maximumCapacity + 10; i++) window.push(event(i, 0));
    expect([window.size, window.completeAfter]).toEqual([maximumCapacity, 10]);
  });

  test('large objects leave sooner, down to the minimum', () => {
    const window = new EventWindow<ReturnType<typeof event>>(0);
    for (let i = 1; i <= 300; i++) window.push(event(i, 0, maximumBytes / 256));
    expect(window.size).toBe(256);
    for (let i = 301; i <= 600; i++) window.push(event(i, 0, maximumBytes));
    expect([window.size, window.completeAfter]).toEqual([minimumCapacity, 500]);
  });
});
