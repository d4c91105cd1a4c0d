import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the clients in this checkout (the runner is a bundle elsewhere). */
export const clientsFolder = join(
  process.env['SKIFF_ROOT'] ?? resolve(fileURLToPath(import.meta.url), '../../..'),
  'tests/clients',
);

export const folderOf = (client: string): string => join(clientsFolder, client);

/** Why the programs are not all there, or undefined. */
export function programsMissing(...programs: string[]): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== '');
  const missing = programs.filter((program) => !path.some((dir) => existsSync(join(dir, program))));
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not on PATH`;
}

/** A digest of everything in a client's folder: what it is built from. */
export function digestOf(client: string, ...more: string[]): string {
  const hash = createHash('sha256');
  const folder = folderOf(client);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) hash.update(name).update('\0').update(readFileSync(path));
  }
  for (const text of more) hash.update('\0').update(text);
  return hash.digest('hex');
}

/** Does `work` unless it was done before for the same digest. */
export async function once(cache: string, digest: string, work: () => Promise<void>): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const stamp = join(cache, 'built');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  await work();
  writeFileSync(stamp, digest);
}
