import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Owner, for tokens of pods that run as one user. */
  readonly uid?: number;
}

/** Relative paths to files: the whole content of a volume. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

/**
 * Writes a volume's content so that readers see all of the old or all of the new, never a mixture:
 *
 *     <volume>/name        -> ..data/name          one link for each first part of a path
 *     <volume>/..data      -> ..2026_01_01_xxxx    switched by one rename
 *     <volume>/..2026_.../name                     the files
 *
 * Returns false, and touches nothing, when the content is there already. `group`: who may read it besides the owner.
 */
export async function writeAtomically(
  directory: string,
  payload: Payload,
  nowMs: number,
  group?: number,
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const dataLink = join(directory, '..data');
  const current = await readlink(dataLink).catch(() => undefined);
  if (current !== undefined && (await isSame(join(directory, current), payload))) return false;
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_');
  const fresh = await mkdtemp(join(directory, `..${stamp}.`));
  await chmod(fresh, 0o755);
  for (const [path, file] of payload) {
    const target = join(fresh, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, file.data);
    // Explicitly: the mode given on creation is cut by our own mask.
    await chmod(target, file.mode);
    if (file.uid !== undefined || group !== undefined) await chown(target, file.uid ?? 0, group ?? 0);
  }
  const newLink = join(directory, '..data_tmp');
  await rm(newLink, { force: true });
  await symlink(fresh.slice(directory.length + 1), newLink);
  await rename(newLink, dataLink);
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0]!));
  for (const name of wanted) {
    const link = join(directory, name);
    const found = await lstat(link).catch(() => undefined);
    if (!found) await symlink(join('..data', name), link);
  }
  for (const name of await readdir(directory))
    if (!name.startsWith('..') && !wanted.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true });
  return true;
}

/** Upstream's rules for projected paths. */
function checkPath(path: string): void {
  const parts = path.split('/');
  if (path === '' || path.startsWith('/') || parts.includes('..') || parts[0]!.startsWith('..'))
    throw new Error(`writing a volume: path '${path}' must be relative, without '..' and not begin with it`);
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const files = await listFiles(directory, '').catch(() => undefined);
  if (!files || files.length !== payload.size) return false;
  for (const path of files) {
    const wanted = payload.get(path);
    if (!wanted || !(await readFile(join(directory, path))).equals(wanted.data)) return false;
    if (((await lstat(join(directory, path))).mode & 0o777) !== (wanted.mode & 0o777)) return false;
  }
  return true;
}

async function listFiles(root: string, below: string): Promise<string[]> {
  const out: string[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) out.push(...(await listFiles(root, path)));
    else out.push(path);
  }
  return out;
}
