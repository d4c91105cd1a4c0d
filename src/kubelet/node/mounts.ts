import { readFileSync } from 'node:fs';
import { runCommand } from '../../base/node/command.ts';

/** Mount points strictly below a directory, innermost first: the order to unmount them in. */
export function mountsBelow(directory: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  const prefix = `${directory.replace(/\/+$/, '')}/`;
  return mountinfo
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((path) => path.startsWith(prefix))
    .reverse();
}

/** Takes away every mount below a directory, lazily where it is busy. Says which it could not. */
export async function unmountBelow(directory: string): Promise<string[]> {
  const mounts = mountsBelow(directory);
  // Hundreds of arguments at once: a process for each would cost more than the unmounting.
  for (let i = 0; i < mounts.length; i += 200)
    // Some may have gone meanwhile: what counts is what is left.
    await runCommand('umount', ['-l', '-n', '--', ...mounts.slice(i, i + 200)], { timeoutMs: 20_000 }).catch(() => {});
  return mounts.length === 0 ? [] : mountsBelow(directory);
}

/** proc_pid_mountinfo(5): space, tab, newline and backslash are written as \ooo. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
