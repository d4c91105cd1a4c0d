import { execFileSync } from 'node:child_process';

/** Why real containers cannot run here, or undefined when they can. Tests that need them say it aloud and stay out. */
export function realContainersMissing(): string | undefined {
  if (process.platform !== 'linux') return `Linux is needed, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'root is needed';
  for (const program of ['containerd', 'ctr', 'runc']) {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
    } catch {
      return `${program} is missing (apt-get install containerd runc containernetworking-plugins)`;
    }
  }
  return undefined;
}
