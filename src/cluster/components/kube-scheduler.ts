/** `skiff kube-scheduler`: the scheduler alone, against any API server. */
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { addProcessMetrics } from '../../apiserver/http/process-metrics.ts';
import { MetricsRegistry } from '../../base/metrics.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { EventBroadcaster } from '../../client/events.ts';
import { LeaderElection } from '../../client/leader-election.ts';
import type { SchedulerConfiguration } from '../../scheduler/config/configuration.ts';
import { defaultConfiguration, loadConfiguration } from '../../scheduler/config/load.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import { connect } from '../connect.ts';
import { UsageError } from '../usage-error.ts';
import {
  addLeaderElectionFlags,
  count,
  flagTexts,
  readFlagFile,
  type LeaderElectionFlags,
  replicaIdentity,
  required,
  runComponent,
} from './component.ts';
import { addServingFlags, serveComponent, type ServingFlags } from './serving.ts';

interface Flags extends LeaderElectionFlags, ServingFlags {
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly v: number;
}

export function addKubeScheduler(command: Command): Command {
  return addServingFlags(addLeaderElectionFlags(command, true), 10259)
    .description('the scheduler alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--config <file>', 'KubeSchedulerConfiguration: profiles, plugins and their arguments, back-offs')
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags, self: Command) => start(withFile(flags, self), flagTexts(self)));
}

interface Settings extends Flags {
  readonly configuration: SchedulerConfiguration;
  readonly leaseNamespace: string;
  readonly leaseName: string;
}

/** The flags laid over the configuration file: only those that were given. */
function withFile(flags: Flags, command: Command): Settings {
  const configuration = readConfiguration(flags.config);
  const election = configuration.leaderElection;
  const kubeconfig = configuration.kubeconfig ?? flags.kubeconfig;
  const given = (name: string) => flags.config === undefined || command.getOptionValueSource(name) === 'cli';
  return {
    ...flags,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    leaderElect: given('leaderElect') ? flags.leaderElect : election.leaderElect,
    leaderElectLeaseDuration: given('leaderElectLeaseDuration')
      ? flags.leaderElectLeaseDuration
      : election.leaseDurationMs,
    leaderElectRenewDeadline: given('leaderElectRenewDeadline')
      ? flags.leaderElectRenewDeadline
      : election.renewDeadlineMs,
    leaderElectRetryPeriod: given('leaderElectRetryPeriod') ? flags.leaderElectRetryPeriod : election.retryPeriodMs,
    configuration,
    leaseNamespace: election.resourceNamespace,
    leaseName: election.resourceName,
  };
}

function readConfiguration(file: string | undefined): SchedulerConfiguration {
  if (file === undefined) return defaultConfiguration();
  const text = readFlagFile('--config', file);
  try {
    return loadConfiguration(text);
  } catch (error) {
    throw new UsageError(`--config ${file}: ${messageOf(error)}`);
  }
}

async function start(flags: Settings, texts: Readonly<Record<string, string>>): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  const { configuration } = flags;
  await runComponent('kube-scheduler', flags.v, async ({ stages, log, signal, fail }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-scheduler'),
      (made) => made.transport.close(),
    );
    const metrics = new MetricsRegistry();
    addProcessMetrics(metrics);
    await serveComponent(stages, {
      component: 'kube-scheduler',
      flags,
      flagTexts: texts,
      client,
      metrics,
      configuration: { 'kubescheduler.config.k8s.io': configuration },
    });
    const onError = (error: unknown) => log.warn(`scheduler: ${messageOf(error)}`);
    const events = new EventBroadcaster({ client, clock: realClock, onError });
    await stages.run(
      'events',
      () => events.start(),
      () => events.stop(),
    );
    const recorder = events.recorder('default-scheduler');
    const make = () =>
      createScheduler({
        client,
        clock: realClock,
        random: secureRandom,
        recorder,
        recorderOf: (name) => events.recorder(name),
        configuration,
        onError,
      });
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
      namespace: flags.leaseNamespace,
      name: flags.leaseName,
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
