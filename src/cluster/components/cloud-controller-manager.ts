/**
 * `skiff cloud-controller-manager`: load balancers for any cluster, with the local provider. A vendor's own program calls
 * `createCloudControllerManager` with its provider instead.
 */
import { type Command, Option } from 'commander';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { messageOf } from '../../base/errors.ts';
import { LeaderElection } from '../../client/leader-election.ts';
import { nodePorts, startCloud } from '../cloud.ts';
import { connect } from '../connect.ts';
import { Stages } from '../stages.ts';
import {
  addLeaderElectionFlags,
  count,
  type LeaderElectionFlags,
  replicaIdentity,
  required,
  runComponent,
} from './component.ts';

interface Flags extends LeaderElectionFlags {
  readonly kubeconfig?: string;
  readonly loadBalancerPool?: string;
  readonly v: number;
}

export function addCloudControllerManager(command: Command): Command {
  return addLeaderElectionFlags(command, true)
    .description('load balancers without a cloud, alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .addOption(new Option('--cloud-provider <name>', 'whose cloud').choices(['local']).default('local'))
    .option('--load-balancer-pool <ranges>', "FIRST-LAST or networks, with commas (default: the nodes' own addresses)")
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  await runComponent('cloud-controller-manager', flags.v, async ({ stages, log, signal, fail }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'cloud-controller-manager'),
      (made) => made.transport.close(),
    );
    const options = {
      ...(flags.loadBalancerPool && { loadBalancerPool: flags.loadBalancerPool }),
      reservedPorts: nodePorts,
    };
    if (!flags.leaderElect) return startCloud(client, options, stages, log);
    const election = new LeaderElection({
      client,
      clock: realClock,
      random: secureRandom,
      namespace: 'kube-system',
      name: 'cloud-controller-manager',
      identity: replicaIdentity(),
      leaseDurationMs: flags.leaderElectLeaseDuration,
      renewDeadlineMs: flags.leaderElectRenewDeadline,
      retryPeriodMs: flags.leaderElectRetryPeriod,
      onError: (error) => log.warn(`leader election: ${messageOf(error)}`),
      lead: async (leading) => {
        const own = new Stages(log, leading);
        await startCloud(client, options, own, log);
        if (!leading.aborted)
          await new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }));
        await own.undoAll();
      },
    });
    const ended = election.run(signal).then(
      () => signal.aborted || fail('leader election lost'),
      (error) => signal.aborted || fail(messageOf(error)),
    );
    await stages.run(
      'election',
      () => {},
      async () => void (await ended),
    );
  });
}
