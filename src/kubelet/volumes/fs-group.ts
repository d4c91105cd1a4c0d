import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const setgid = 0o2000;

/**
 * Makes a volume belong to a group: files readable and writable by it, directories too, and new files in them its own.
 * `OnRootMismatch` looks at the top alone and trusts the rest.
 */
export async function applyFsGroup(root: string, group: number, policy: string, readonly = false): Promise<void> {
  const top = await lstat(root);
  const wanted = setgid | (readonly ? 0o550 : 0o770);
  if (policy === 'OnRootMismatch' && top.gid === group && (top.mode & wanted) === wanted) return;
  await apply(root, group, readonly);
}

async function apply(path: string, group: number, readonly: boolean): Promise<void> {
  const info = await lstat(path);
  await lchown(path, info.uid, group);
  if (info.isSymbolicLink()) return;
  const bits = readonly ? 0o440 : 0o660;
  if (!info.isDirectory()) {
    await chmod(path, (info.mode & 0o7777) | bits);
    return;
  }
  await chmod(path, (info.mode & 0o7777) | bits | 0o110 | setgid);
  for (const name of await readdir(path)) await apply(join(path, name), group, readonly);
}
