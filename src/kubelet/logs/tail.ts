import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseLogLine } from './cri-log.ts';

const blockBytes = 64 << 10;

/**
 * Where the last `lines` lines of a log file begin, counting back from its end in blocks: a log of gigabytes costs what
 * its tail costs. Counts entries, as upstream does.
 */
export function tailOffset(file: number, lines: number): number {
  let position = fstatSync(file).size;
  if (lines <= 0) return position;
  const block = Buffer.alloc(blockBytes);
  let found = 0;
  let atEnd = true;
  while (position > 0) {
    const size = Math.min(blockBytes, position);
    position -= size;
    readSync(file, block, 0, size, position);
    for (let i = size - 1; i >= 0; i--) {
      if (block[i] !== 0x0a) {
        atEnd = false;
        continue;
      }
      // The line feed that ends the file ends its last line, and begins none.
      if (atEnd) {
        atEnd = false;
        continue;
      }
      if (++found === lines) return position + i + 1;
    }
  }
  return 0;
}

/** The texts of the last lines, no more than `maxBytes` from their end. '' when there is no log. */
export function tailMessages(path: string, lines: number, maxBytes: number): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const from = tailOffset(file, lines);
    const size = Math.min(fstatSync(file).size - from, 1 << 20);
    const bytes = Buffer.alloc(Math.max(0, size));
    readSync(file, bytes, 0, bytes.length, from);
    const text = bytes
      .toString('latin1')
      .split('\n')
      .map((line) => parseLogLine(Buffer.from(line, 'latin1'))?.text ?? Buffer.alloc(0));
    return Buffer.concat(text).subarray(-maxBytes).toString('utf8');
  } finally {
    closeSync(file);
  }
}
