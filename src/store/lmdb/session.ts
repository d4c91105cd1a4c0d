import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const sessionFileName = 'store.session';
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The machine's life, where the system tells lives apart. */
function bootId(): string | undefined {
  return existsSync(bootIdFile) ? readFileSync(bootIdFile, 'utf8').trim() : undefined;
}

/** Whether the last session did not end, and not in this life of the machine: what was not flushed may be lost. */
export function mayHaveLostWrites(dir: string): boolean {
  const path = join(dir, sessionFileName);
  if (!existsSync(path)) return false;
  const boot = bootId();
  return boot === undefined || readFileSync(path, 'utf8').trim() !== boot;
}

/** Notes on the disk that a session is open, and in which life of the machine. */
export function beginSession(dir: string): void {
  const file = openSync(join(dir, sessionFileName), 'w', 0o600);
  writeSync(file, `${bootId() ?? 'unknown'}\n`);
  fsyncSync(file);
  closeSync(file);
  syncDirectory(dir);
}

/** To be called when everything is flushed: nothing can be lost any more. */
export function endSession(dir: string): void {
  rmSync(join(dir, sessionFileName), { force: true });
}

/** The names in a directory must outlive a power failure too. */
export function syncDirectory(dir: string): void {
  const directory = openSync(dir, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
