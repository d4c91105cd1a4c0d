import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Sees to a hostPath volume by its type. Throws where the path is not what the type says. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  if (type === '') return;
  const found = await stat(path).catch(() => undefined);
  const refuse = () => {
    throw new Error(`hostPath type check failed: ${path} is not a ${descriptions[type] ?? type}`);
  };
  switch (type) {
    case 'DirectoryOrCreate':
      if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (!found.isDirectory()) refuse();
      return;
    case 'FileOrCreate':
      if (!found) {
        await mkdir(dirname(path), { recursive: true, mode: 0o755 });
        await (await open(path, 'a', 0o644)).close();
      } else if (!found.isFile()) refuse();
      return;
    case 'Directory':
      if (!found?.isDirectory()) refuse();
      return;
    case 'File':
      if (!found?.isFile()) refuse();
      return;
    case 'Socket':
      if (!found?.isSocket()) refuse();
      return;
    case 'CharDevice':
      if (!found?.isCharacterDevice()) refuse();
      return;
    case 'BlockDevice':
      if (!found?.isBlockDevice()) refuse();
      return;
    default:
      throw new Error(`hostPath ${path}: '${type}' is no known type`);
  }
}

const descriptions: Readonly<Record<string, string>> = {
  DirectoryOrCreate: 'directory',
  Directory: 'directory',
  FileOrCreate: 'file',
  File: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};
