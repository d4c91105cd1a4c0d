import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';

export interface LogRotationOptions {
  /** `<pod>/<container>/<attempt>.log` lie below it. */
  readonly directory: string;
  /** containerLogMaxSize and containerLogMaxFiles (the one being written counts). */
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  /** How often is looked. */
  readonly checkMs?: number;
}

export interface LogRotationDeps {
  readonly clock: Clock;
  /** Has the runtime open a new file for the container that writes this one; false when none does. */
  readonly reopen: (path: string) => Promise<boolean>;
  readonly log: (message: string) => void;
}

const defaultCheckMs = 10_000;
const defaultMaxBytes = 10 << 20;
const defaultMaxFiles = 5;

/**
 * Keeps container logs bounded, as upstream does: a file that has grown too large becomes `N.log.<time>`, older ones are
 * compressed, the oldest removed.
 */
export class LogRotation {
  readonly #options: Required<LogRotationOptions>;
  readonly #deps: LogRotationDeps;

  constructor(options: LogRotationOptions, deps: LogRotationDeps) {
    this.#options = { maxBytes: defaultMaxBytes, maxFiles: defaultMaxFiles, checkMs: defaultCheckMs, ...options };
    this.#deps = deps;
  }

  /** Looks now and then, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, this.#options.checkMs, signal, 'log rotation').catch(() => {});
      if (!signal.aborted) await this.rotateAll();
    }
  }

  async rotateAll(): Promise<void> {
    for (const pod of await names(this.#options.directory))
      for (const container of await names(join(this.#options.directory, pod))) {
        const directory = join(this.#options.directory, pod, container);
        for (const file of await names(directory)) {
          if (!/^\d+\.log$/.test(file)) continue;
          const path = join(directory, file);
          try {
            const found = await stat(path).catch(() => undefined);
            if (found && found.size > this.#options.maxBytes) await this.#rotate(directory, file);
          } catch (error) {
            this.#deps.log(`rotating ${path}: ${messageOf(error)}`);
          }
        }
      }
  }

  async #rotate(directory: string, file: string): Promise<void> {
    const old = (await names(directory)).filter((name) => name.startsWith(`${file}.`)).sort();
    // Room for the one that is written and the one that is moved now.
    const surplus = Math.max(0, old.length - (this.#options.maxFiles - 2));
    for (const name of old.slice(0, surplus)) await rm(join(directory, name), { force: true });
    for (const name of old.slice(surplus)) if (!name.endsWith('.gz')) await compress(join(directory, name));
    const path = join(directory, file);
    const time = new Date(this.#deps.clock.now()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    const moved = `${path}.${time}`;
    await rename(path, moved);
    try {
      // Nobody writes it any more: it was only large.
      if (!(await this.#deps.reopen(path))) await rename(moved, path);
    } catch (error) {
      // The runtime still writes to the moved file: it must be found where it belongs.
      await rename(moved, path);
      throw error;
    }
  }
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz.tmp`));
  await rename(`${path}.gz.tmp`, `${path}.gz`);
  await rm(path, { force: true });
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
