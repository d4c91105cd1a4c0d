// Outlives the run of the clients' scenario however that ends, SIGKILL included: waits until the pipe from it closes, then
// ends what it left: process groups (`group PID` on a line, `gone PID` once ended), the cluster, the directory.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [launcher, directory] = process.argv.slice(2);
const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
for await (const line of createInterface({ input: process.stdin })) {
  const [word, pid] = line.split(' ');
  if (word === 'group') groups.add(Number(pid));
  else groups.delete(Number(pid));
}
for (const pid of groups) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
const dataDir = join(directory, 'cluster');
if (existsSync(dataDir)) spawnSync(process.execPath, [launcher, 'down', '--data-dir', dataDir], { stdio: 'ignore' });
rmSync(directory, { recursive: true, force: true });
