/** Reading a container's log as `kubectl logs` asks for it. */
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type LogEntry, parseLogLine } from './cri-log.ts';
import { tailOffset } from './tail.ts';

/** core/v1 PodLogOptions, as far as they concern one file. */
export interface LogOptions {
  readonly follow: boolean;
  /** Undefined: all. */
  readonly tailLines: number | undefined;
  /** Only entries from this time on; ms. */
  readonly sinceMs: number | undefined;
  readonly timestamps: boolean;
  /** Undefined: no limit. */
  readonly limitBytes: number | undefined;
  readonly stream: 'stdout' | 'stderr' | undefined;
}

const blockBytes = 64 * 1024;
const lineFeed = 0x0a;

/**
 * The log's text in pieces. With `follow` it goes on, over rotations, until `ended` resolves and all was read, or the
 * signal is aborted. Rejects with ENOENT when there is no log (yet).
 */
export async function* readLog(
  path: string,
  options: LogOptions,
  ended: Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let file = await open(path, 'r');
  const waiter = options.follow ? new ChangeWaiter(path, ended, signal) : undefined;
  try {
    let position = options.tailLines === undefined ? 0 : tailOffset(file.fd, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const block = Buffer.alloc(blockBytes);
    while (!signal.aborted) {
      // Asked before reading: what is written between a read and the question would be lost otherwise.
      const isOver = waiter === undefined || waiter.over;
      const { bytesRead } = await file.read(block, 0, block.length, position);
      if (bytesRead === 0) {
        const next = await reopened(path, file);
        if (next) {
          await file.close();
          file = next;
          position = 0;
          rest = Buffer.alloc(0);
          continue;
        }
        if (isOver) return;
        await waiter!.changed();
        continue;
      }
      position += bytesRead;
      const { entries, remainder } = split(Buffer.concat([rest, block.subarray(0, bytesRead)]));
      rest = remainder;
      const text = Buffer.concat(entries.flatMap((entry) => render(entry, options)));
      if (text.length === 0) continue;
      yield text.subarray(0, left);
      left -= text.length;
      if (left <= 0) return;
    }
  } finally {
    waiter?.close();
    await file.close();
  }
}

/** Whole lines, and what comes after the last of them. */
function split(bytes: Buffer): { readonly entries: LogEntry[]; readonly remainder: Buffer } {
  const entries: LogEntry[] = [];
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    const entry = parseLogLine(bytes.subarray(start, end));
    if (entry) entries.push(entry);
    start = end + 1;
  }
  return { entries, remainder: Buffer.from(bytes.subarray(start)) };
}

function render(entry: LogEntry, options: LogOptions): Buffer[] {
  if (options.stream !== undefined && entry.stream !== options.stream) return [];
  if (options.sinceMs !== undefined && Date.parse(entry.time) < options.sinceMs) return [];
  return options.timestamps ? [Buffer.from(`${entry.time} `), entry.text] : [entry.text];
}

/** The file that now has the name, when it is another one: the log was rotated. */
async function reopened(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  const [here, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return there && there.ino !== here.ino ? open(path, 'r') : undefined;
}

/** Wakes a reader at the end of the file when there may be more, when the container has ended, or when it should stop. */
class ChangeWaiter {
  readonly #watcher: FSWatcher;
  #dirty = false;
  #wake: () => void = () => {};
  #over = false;

  constructor(path: string, ended: Promise<void>, signal: AbortSignal) {
    const touch = () => {
      this.#dirty = true;
      this.#wake();
    };
    // The directory, not the file: a rotation gives the name to another file.
    this.#watcher = watch(dirname(path), touch);
    this.#watcher.on('error', touch);
    signal.addEventListener('abort', touch, { once: true });
    const end = () => {
      this.#over = true;
      touch();
    };
    ended.then(end, end);
  }

  /** The container has ended: what the next read does not find will never come. */
  get over(): boolean {
    return this.#over;
  }

  async changed(): Promise<void> {
    if (!this.#dirty) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#dirty = false;
  }

  close(): void {
    this.#watcher.close();
  }
}
