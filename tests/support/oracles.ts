import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../.oracles');

/** The real kubectl of a minor version. Throws, saying how to get it, when it is not there. */
export function kubectlPath(version: '1.36' | '1.32'): string {
  const path = join(oracles, version === '1.36' ? 'kubectl' : 'kubectl-1.32', 'usr/bin/kubectl');
  if (!existsSync(path)) throw new Error(`no kubectl ${version} in ${oracles}: run "npm run oracles" (or set ORACLES)`);
  return path;
}
