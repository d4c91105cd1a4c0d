import { watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Pod } from '../types.ts';
import { decodeManifest } from './manifest.ts';

export interface SourceDeps {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** All pods of this source, as of now. Called once it could be read, and at every look after that. */
  readonly onPods: (pods: readonly Pod[]) => void;
}

/**
 * The manifests of a directory (or one file), read at once when something in it changes and every `checkMs` anyway.
 * Names that begin with a dot are left out, and so are sub-directories. A file that is half written counts as it was
 * until the next regular look; a manifest that is still wrong then has no pods. A path that is not there is empty.
 */
export async function runFileSource(
  { path, checkMs }: { readonly path: string; readonly checkMs: number },
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<void> {
  const lastGood = new Map<string, readonly Pod[]>();
  let isRegular = true;
  while (!signal.aborted) {
    // Before the read: what changes after it is told of.
    const changed = new AbortController();
    const ends = watchUntilChange(path, () => changed.abort());
    const pods: Pod[] = [];
    for (const file of await manifestFiles(path, deps.log)) {
      try {
        const found = decodeManifest(await readFile(file, 'utf8'), { kind: 'file', path: file }, deps.nodeName);
        lastGood.set(file, found);
        pods.push(...found);
      } catch (error) {
        deps.log(`kubelet: static pods of ${file}: ${messageOf(error)}`);
        if (!isRegular) pods.push(...(lastGood.get(file) ?? []));
      }
    }
    if (!signal.aborted) deps.onPods(pods);
    await sleep(deps.clock, checkMs, AbortSignal.any([signal, changed.signal]), 'static pods: files').catch(() => {});
    isRegular = !changed.signal.aborted;
    ends();
  }
}

/** Calls back once; a path that cannot be watched is only looked at regularly. Returns what ends the watch. */
function watchUntilChange(path: string, onChange: () => void): () => void {
  try {
    const watcher = watch(path, onChange);
    watcher.on('error', () => {});
    return () => watcher.close();
  } catch {
    return () => {};
  }
}

async function manifestFiles(path: string, log: (message: string) => void): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'));
    return files.map(({ name }) => join(path, name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log(`kubelet: static pods of ${path}: ${messageOf(error)}`);
    return [];
  }
}

/** The manifest at a URL, asked for every `checkMs`. One that does not come, or is wrong, changes nothing. */
export async function runHttpSource(
  options: {
    readonly url: string;
    readonly headers: Readonly<Record<string, readonly string[]>>;
    readonly checkMs: number;
  },
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<void> {
  const { url, checkMs } = options;
  const headers = Object.entries(options.headers).flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const timeoutMs = 10_000;
  while (!signal.aborted) {
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      if (text.trim() === '') throw new Error('the answer is empty');
      deps.onPods(decodeManifest(text, { kind: 'http', url }, deps.nodeName));
    } catch (error) {
      if (!signal.aborted) deps.log(`kubelet: static pods of ${url}: ${messageOf(error)}`);
    }
    await sleep(deps.clock, checkMs, signal, 'static pods: URL').catch(() => {});
  }
}
