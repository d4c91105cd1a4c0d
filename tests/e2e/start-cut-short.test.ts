// SIGTERM in the middle of a start with real containers: it ends well, leaves nothing, and the next start is whole.
import { spawn } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { realClock } from '../../src/base/node/real-clock.ts';
import { Containerd } from '../../src/kubelet/runtime/containerd/containerd.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { networkFlags } from '../support/real-cluster.ts';
import { launcher, UpCluster } from '../support/up.ts';

const cluster = new UpCluster();
afterAll(() => cluster.destroy());

describe('a start that is cut short', () => {
  // From before the data directory is claimed to about when it is ready.
  it.each([100, 300, 450, 600, 800])('after %d ms ends well and leaves nothing', async (delayMs) => {
    const args = ['up', '--data-dir', cluster.dataDir, '--secure-port', '0', ...networkFlags];
    const child = spawn(process.execPath, [launcher, ...args], { stdio: 'ignore' });
    const ended = new Promise<number | string>((resolve) => child.once('exit', (code, by) => resolve(code ?? by ?? 0)));
    realClock.after(delayMs, () => child.kill('SIGTERM'));
    // Before it listens for signals, the signal itself ends it.
    expect([0, 'SIGTERM']).toContain(await ended);
    expect(await hostLeftovers(cluster.dataDir)).toEqual([]);
  });

  it('is whole the next time', async () => {
    await cluster.start(...networkFlags);
    expect(await cluster.must('get', 'nodes')).toMatch(/\sReady\s/);
  });

  it('says which program is missing and how to get it', async () => {
    const containerd = new Containerd(
      { dataDir: `${cluster.dataDir}/none`, binary: '/no/such/containerd' },
      { clock: realClock, log: () => {} },
    );
    await expect(containerd.start()).rejects.toThrow(
      /'\/no\/such\/containerd' cannot be run .*install it: apt-get install containerd runc/,
    );
  });
});
