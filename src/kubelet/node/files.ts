import { readFileSync } from 'node:fs';

/** A small file of the system, '' where there is none or it has gone meanwhile. */
export function readTextOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
