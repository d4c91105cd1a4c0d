import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '../../src/base/node/real-clock.ts';
import { Containerd } from '../../src/kubelet/runtime/containerd/containerd.ts';
import { cleanupNode } from '../../src/kubelet/runtime/containerd/sweep.ts';
import type { CriRuntime } from '../../src/kubelet/runtime/cri/cri-runtime.ts';
import { busyboxArchive } from './images.ts';

/** A containerd of its own with a bridge network and a busybox image, in a directory of its own. */
export interface TestNode {
  readonly dataDir: string;
  readonly containerd: Containerd;
  readonly runtime: CriRuntime;
  /** Everything gone from the host; what resisted fails the test. */
  remove(): Promise<void>;
}

/** `name` must be unlike any other test's: bridge and subnet (10.200.`net`.0/24) come from it. */
export async function startTestNode(name: string, net: number): Promise<TestNode> {
  const dataDir = mkdtempSync(`/var/tmp/skiff-test-${name}-`);
  const bridge = `sk-${name}`.slice(0, 15);
  const options = { dataDir };
  const deps = { clock: realClock, log: (message: string) => console.log(`[${name}] ${message}`) };
  const containerd = new Containerd(options, deps);
  mkdirSync(containerd.paths.cniConfDir, { recursive: true });
  writeFileSync(join(containerd.paths.cniConfDir, '10-test.conflist'), testNetwork(dataDir, bridge, net));
  const remove = async () => {
    await containerd.stop();
    const problems = await cleanupNode(options, deps);
    try {
      execFileSync('ip', ['link', 'del', bridge], { stdio: 'ignore' });
    } catch {
      // no pod had a network: no bridge
    }
    if (problems.length > 0) throw new Error(`left on the host: ${problems.join(', ')}`);
    rmSync(dataDir, { recursive: true });
  };
  try {
    const runtime = await containerd.start();
    const archive = join(dataDir, 'busybox.tar');
    writeFileSync(archive, busyboxArchive());
    await containerd.loadImage(archive);
    return { dataDir, containerd, runtime, remove };
  } catch (error) {
    await remove().catch(() => {});
    throw error;
  }
}

function testNetwork(dataDir: string, bridge: string, net: number): string {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'test',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(dataDir, 'ipam'),
          ranges: [[{ subnet: `10.200.${net}.0/24` }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });
}
