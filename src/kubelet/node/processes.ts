import { readdirSync } from 'node:fs';
import { readTextOrEmpty } from './files.ts';

export interface ProcessInfo {
  readonly pid: number;
  readonly arguments: readonly string[];
}

/** The processes that this one can see, with their command lines (kernel threads have none and are left out). */
export function listProcesses(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = readTextOrEmpty(`/proc/${name}/cmdline`);
    if (line !== '') found.push({ pid: Number(name), arguments: line.replace(/\0$/, '').split('\0') });
  }
  return found;
}

/** Still running: a zombie, which only waits for its parent to look, counts as gone. */
export function isAlive(pid: number): boolean {
  const stat = readTextOrEmpty(`/proc/${pid}/stat`);
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return state !== '' && state !== 'Z' && state !== 'X';
}

/** Sends a signal; a process that is gone already is fine. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
