/** What the CNI library of the runtime keeps about pods' networks on the host, whatever its configuration says. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** One file a sandbox and interface: `NETWORK-SANDBOX-INTERFACE`. */
const resultsDir = '/var/lib/cni/results';

/** Removes the records of a network whose pods are all gone: a runtime that was killed while it made one left its own. */
export function removeCniRecords(network: string, dir = resultsDir): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) if (name.startsWith(`${network}-`)) rmSync(join(dir, name), { force: true });
}
