/** What a cluster says on stderr: problems always, steps by verbosity (0: only what a user waits for). */

export interface Logger {
  /** A step that the user may be waiting for. */
  step(message: string): void;
  /** Something went wrong and was survived. Repetitions within a minute are counted, not printed. */
  warn(message: string): void;
  /** Detail, from the given verbosity on. */
  detail(verbosity: number, message: string): void;
}

const quietMs = 60_000;
/** More kinds of message than this at once: the oldest is forgotten, and would be printed again. */
const mostRemembered = 500;

export function createLogger(
  verbosity: number,
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Logger {
  const recent = new Map<string, { untilMs: number; repeats: number }>();
  return {
    step: (message) => write(message),
    warn(message) {
      const now = Date.now();
      // Numbers and ids differ between repetitions of one problem.
      const kind = message.replace(/[0-9a-f]{4,}|\d+/g, '#');
      const known = recent.get(kind);
      if (known && known.untilMs > now && verbosity < 4) {
        known.repeats++;
        return;
      }
      recent.delete(kind);
      if (recent.size >= mostRemembered) recent.delete(recent.keys().next().value as string);
      recent.set(kind, { untilMs: now + quietMs, repeats: 0 });
      write(
        `W ${new Date(now).toISOString()} ${message}${known?.repeats ? ` (and ${known.repeats} times before)` : ''}`,
      );
    },
    detail(from, message) {
      if (verbosity >= from) write(`I ${new Date(Date.now()).toISOString()} ${message}`);
    },
  };
}
