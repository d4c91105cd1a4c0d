import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { StoreError } from '../store.ts';
import { toStoreError } from './errors.ts';

const lockExclusive = 2;
const lockWithoutWaiting = 4;

let flock: ((fd: number, operation: number) => number) | undefined;

/**
 * Takes the lock that belongs to whoever has the file open: the kernel lets go of it when the process ends, however it
 * ends, so there is nothing stale to clean. Returns what gives it back.
 */
export function lockFile(path: string): () => void {
  let fd: number;
  try {
    // Close-on-exec, as everything node:fs opens: children do not inherit the lock.
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    throw toStoreError(`lock ${path}`, error);
  }
  flock ??= koffi.load(null).func('int flock(int fd, int operation)') as (fd: number, operation: number) => number;
  if (flock(fd, lockExclusive | lockWithoutWaiting) !== 0) {
    closeSync(fd);
    throw new StoreError('locked', `lock ${path}: the store is open in another process (or twice in this one)`);
  }
  return () => closeSync(fd);
}
