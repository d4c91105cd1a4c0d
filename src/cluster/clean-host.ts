/** Takes away from the host what a run that was killed left there. State in the data directory stays. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { realClock } from '../base/node/real-clock.ts';
import { cleanupNode, hasRunningPods } from '../kubelet/runtime/containerd/sweep.ts';
import { removeCniRecords } from '../network/cni/records.ts';
import { cniNetwork } from '../network/names.ts';
import { tearDownFabric } from '../network/node/fabric.ts';
import { tearDownNodeNetwork } from '../network/node/setup.ts';
import type { DataDir, Identity } from './data-dir.ts';
import type { Logger } from './logger.ts';
import { killAgents } from './node-process.ts';

/** Nobody may be running the cluster. Idempotent; what resists is said and left for the next time. */
export async function cleanHost(dir: DataDir, identity: Identity, log: Logger): Promise<void> {
  if (identity.runtime !== 'containerd' || process.getuid?.() !== 0) return;
  killAgents(dir.nodes);
  await Promise.all(
    nodeDirectories(dir).map(async (node) => {
      const deps = { clock: realClock, log: (message: string) => log.detail(1, message) };
      // One node's trouble keeps nothing else from being cleaned.
      try {
        for (const what of await cleanupNode({ dataDir: node }, deps))
          log.warn(`cleaning up ${node}: ${what} is still there`);
      } catch (error) {
        log.warn(`cleaning up ${node}: ${messageOf(error)}`);
      }
    }),
  );
  removeCniRecords(cniNetwork(identity.id));
  await tearDownFabric(identity.id);
  await tearDownNodeNetwork({ id: identity.id, clusterCidr: identity.podNetworkCidr });
}

/**
 * Before a start, after a run that was killed. The only node of a cluster goes on with the containers that still run; where
 * there are several nodes, or nothing runs (the machine was started anew), all of it goes, as a reboot would have it.
 */
export async function takeOverHost(dir: DataDir, identity: Identity, nodes: number, log: Logger): Promise<void> {
  const [only, ...others] = nodeDirectories(dir);
  const isKept = only !== undefined && others.length === 0 && nodes === 1 && hasRunningPods({ dataDir: only });
  if (!isKept) return cleanHost(dir, identity, log);
  log.detail(1, `taking over the containers that run for ${only}`);
}

/** The data directories of the nodes that this cluster ever had. */
export function nodeDirectories(dir: DataDir): string[] {
  if (!existsSync(dir.nodes)) return [];
  return readdirSync(dir.nodes).map((name) => join(dir.nodes, name));
}
