/** `skiff down`: stops whoever runs the cluster, then removes from the host whatever a killed run left. */
import { dataDirAt, readIdentity, runningNow } from '../data-dir.ts';
import { cleanHost } from '../clean-host.ts';
import { createLogger } from '../logger.ts';

/** A run stops within 10 s of its signal; past this it is killed. */
const patienceMs = 15_000;

export async function down(path: string): Promise<void> {
  const dir = dataDirAt(path);
  const run = runningNow(dir);
  if (run) {
    console.error(`stopping process ${run.pid}`);
    process.kill(run.pid, 'SIGTERM');
    const deadline = Date.now() + patienceMs;
    while (runningNow(dir)?.pid === run.pid && Date.now() < deadline) await new Promise((r) => setTimeout(r, 50));
    if (runningNow(dir)?.pid === run.pid) {
      console.error(`process ${run.pid} did not stop in ${patienceMs / 1000} s; killing it`);
      process.kill(run.pid, 'SIGKILL');
      while (runningNow(dir)?.pid === run.pid) await new Promise((r) => setTimeout(r, 20));
    }
  }
  const identity = readIdentity(dir);
  if (identity) await cleanHost(dir, identity, createLogger(0));
  console.error(run ? 'down' : identity ? 'was not running' : `no cluster in ${dir.root}`);
}
