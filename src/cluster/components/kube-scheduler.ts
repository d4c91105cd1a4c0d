/** `skiff kube-scheduler`: the scheduler alone, against any API server. */
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { EventBroadcaster } from '../../client/events.ts';
import { LeaderElection } from '../../client/leader-election.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import { connect } from '../connect.ts';
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
  readonly v: number;
}

export function addKubeScheduler(command: Command): Command {
  return addLeaderElectionFlags(command, true)
    .description('the scheduler alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  await runComponent('kube-scheduler', flags.v, async ({ stages, log, signal, fail }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-scheduler'),
      (made) => made.transport.close(),
    );
    const onError = (error: unknown) => log.warn(`scheduler: ${messageOf(error)}`);
    const events = new EventBroadcaster({ client, clock: realClock, onError });
    await stages.run(
      'events',
      () => events.start(),
      () => events.stop(),
    );
    const recorder = events.recorder('default-scheduler');
    const make = () => createScheduler({ client, clock: realClock, random: secureRandom, recorder, onError });
    if (!flags.leaderElect) {
      const scheduler = make();
      await stages.run(
        'scheduler',
        () => scheduler.start(),
        () => scheduler.stop(),
      );
      return;
    }
    const election = new LeaderElection({
      client,
      clock: realClock,
      random: secureRandom,
      namespace: 'kube-system',
      name: 'kube-scheduler',
      identity: replicaIdentity(),
      leaseDurationMs: flags.leaderElectLeaseDuration,
      renewDeadlineMs: flags.leaderElectRenewDeadline,
      retryPeriodMs: flags.leaderElectRetryPeriod,
      onError,
      lead: async (leading) => {
        const scheduler = make();
        await scheduler.start();
        if (!leading.aborted)
          await new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }));
        await scheduler.stop();
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
