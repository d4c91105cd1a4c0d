import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * What a directory takes of its file system, as `du -x` counts: blocks that are in use, hard links once, nothing beyond
 * a mount point. What vanishes meanwhile counts as nothing; a directory that is not there takes nothing.
 */
export async function diskUsage(path: string): Promise<DiskUsage> {
  let bytes = 0;
  const seen = new Set<string>();
  const root = await statOf(path);
  if (!root) return { bytes: 0, inodes: 0 };
  const waiting = [path];
  const count = (stat: NonNullable<Awaited<ReturnType<typeof statOf>>>): boolean => {
    if (stat.dev !== root.dev) return false;
    const inode = String(stat.ino);
    if (seen.has(inode)) return false;
    seen.add(inode);
    bytes += stat.blocks * 512;
    return true;
  };
  count(root);
  if (!root.isDirectory()) return { bytes, inodes: seen.size };
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    try {
      for await (const entry of await opendir(directory)) {
        const child = join(directory, entry.name);
        const stat = await statOf(child);
        if (stat && count(stat) && stat.isDirectory()) waiting.push(child);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { bytes, inodes: seen.size };
}

async function statOf(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}
