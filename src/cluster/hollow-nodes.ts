/** Nodes that live by a script: no root, no containers, thousands in a process. */
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import { createHollowNodes } from '../kubelet/hollow/hollow-nodes.ts';
import type { ClusterContext } from './cluster.ts';
import { componentUsers } from './control-plane.ts';
import { addLocalPathClass, startLocalPath } from './local-path.ts';
import { kubernetesVersion } from './version.ts';

export async function startHollowNodes({ options, controlPlane, stages, log }: ClusterContext): Promise<void> {
  const { localPath, admin } = componentUsers;
  await stages.run('storage class', () =>
    addLocalPathClass(controlPlane.client(admin, 'skiff-up'), localPath.username),
  );
  const provisioner = controlPlane.client(localPath, 'skiff-local-path');
  await startLocalPath(undefined, provisioner, stages, (message) => log.warn(message));
  const nodes = createHollowNodes({
    // One identity for all of them: a node may only write what is its own, and these are many.
    client: controlPlane.client(
      { username: 'skiff-hollow-nodes', groups: ['system:masters', 'system:authenticated'] },
      'kubelet',
    ),
    clock: realClock,
    random: secureRandom,
    nodes: options.nodes,
    version: kubernetesVersion,
    onError: (error: unknown) => log.warn(`hollow nodes: ${messageOf(error)}`),
  });
  await stages.run(
    'hollow nodes',
    () => nodes.start(),
    () => nodes.stop(),
  );
}
