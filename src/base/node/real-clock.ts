import type { Clock, Timer } from '../clock.ts';

/** Node's timers hold a signed 32-bit delay; a longer one would fire at once. Longer waits are made of several. */
const longestTimerMs = 2 ** 31 - 1;

/** The platform's clock. Timers keep the process alive until they run or are cancelled. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  defer: (callback) => {
    setImmediate(callback);
  },
  after(delayMs, callback): Timer {
    let handle: NodeJS.Timeout;
    const arm = (restMs: number) => {
      const stepMs = Math.min(restMs, longestTimerMs);
      handle = setTimeout(() => (restMs > stepMs ? arm(restMs - stepMs) : callback()), stepMs);
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};
