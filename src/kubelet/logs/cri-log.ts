/**
 * The log format of CRI: `2026-01-01T00:00:00.000000000Z stdout F text\n`. Tag P marks a line that goes on in the next
 * entry of its stream, F its end; more tags may follow after colons.
 */
export interface LogEntry {
  /** As written: RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The text, with a line feed unless it goes on. */
  readonly text: Buffer;
}

const space = 0x20;
const lineFeed = Buffer.from('\n');

/** One line without its line feed. Undefined when it is none of CRI's: torn by a crash, or foreign. */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  const text = third < 0 ? Buffer.alloc(0) : line.subarray(third + 1);
  const partial = tags.split(':')[0] === 'P';
  return { time: line.toString('latin1', 0, first), stream, text: partial ? text : Buffer.concat([text, lineFeed]) };
}
