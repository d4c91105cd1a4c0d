/** `skiff kube-controller-manager`: all controllers, against any API server. */
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { MetricsRegistry } from '../../base/metrics.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { addProcessMetrics } from '../../apiserver/http/process-metrics.ts';
import { WorkQueueMetrics } from '../../client/workqueue-metrics.ts';
import { loadKubeconfig } from '../../client/https/kubeconfig.ts';
import type { ControllerManagerSettings } from '../../controllers/context.ts';
import { createControllerManager } from '../../controllers/manager.ts';
import { selectControllers, unbuiltControllers } from '../../controllers/registry.ts';
import { CertificateAuthority } from '../../pki/certificate.ts';
import { connect } from '../connect.ts';
import { UsageError } from '../usage-error.ts';
import {
  addLeaderElectionFlags,
  boolean,
  count,
  duration,
  flagTexts,
  type LeaderElectionFlags,
  list,
  readFlagFile,
  replicaIdentity,
  required,
  runComponent,
} from './component.ts';
import { addServingFlags, serveComponent, type ServingFlags } from './serving.ts';
import { serviceAccountClients } from './service-account-clients.ts';

interface Flags extends LeaderElectionFlags, ServingFlags {
  readonly kubeconfig?: string;
  readonly controllers: string[];
  readonly clusterCidr?: string;
  readonly allocateNodeCidrs: boolean;
  readonly nodeCidrMaskSize?: number;
  readonly rootCaFile?: string;
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
  readonly clusterSigningDuration?: number;
  readonly useServiceAccountCredentials: boolean;
  readonly nodeMonitorPeriod?: number;
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeStartupGracePeriod?: number;
  readonly terminatedPodGcThreshold?: number;
  readonly v: number;
}

export function addKubeControllerManager(command: Command): Command {
  return addServingFlags(addLeaderElectionFlags(command, true), 10257)
    .description('the controllers alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--controllers <list>', "names or aliases; '*' for all, '-name' to leave one out", list, ['*'])
    .option('--cluster-cidr <cidr>', 'addresses of pods')
    .option('--allocate-node-cidrs [bool]', 'give each node a part of --cluster-cidr', boolean, false)
    .option('--node-cidr-mask-size <n>', "bits of a node's part", count)
    .option('--root-ca-file <file>', 'PEM, published in every namespace')
    .option('--cluster-signing-cert-file <file>', 'PEM of the CA that signs certificate requests')
    .option('--cluster-signing-key-file <file>', 'PEM of its key')
    .option('--cluster-signing-duration <duration>', 'how long the certificates may last', duration)
    .option(
      '--use-service-account-credentials [bool]',
      'each controller with the rights of its own ServiceAccount',
      boolean,
      false,
    )
    .option('--node-monitor-period <duration>', 'how often nodes are looked at', duration)
    .option('--node-monitor-grace-period <duration>', 'how long a node may be silent', duration)
    .option('--node-startup-grace-period <duration>', 'the same before its first report', duration)
    .option('--terminated-pod-gc-threshold <n>', 'finished pods past this number are deleted', count)
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags, flagTexts(command)));
}

async function start(flags: Flags, texts: Readonly<Record<string, string>>): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  try {
    selectControllers(flags.controllers);
  } catch (error) {
    throw new UsageError(`--${messageOf(error)}`);
  }
  if (flags.allocateNodeCidrs) required(flags.clusterCidr, '--cluster-cidr', 'goes with --allocate-node-cidrs');
  const rootCa = flags.rootCaFile === undefined ? undefined : readFlagFile('--root-ca-file', flags.rootCaFile);

  const certificateSigning = signing(flags);

  await runComponent('kube-controller-manager', flags.v, async ({ stages, log, fail }) => {
    for (const name of unbuiltControllers(flags.controllers)) log.warn(`${name} is not built yet: it does not run`);
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-controller-manager'),
      (made) => made.transport.close(),
    );
    const metrics = new MetricsRegistry();
    addProcessMetrics(metrics);
    const queueMetrics = new WorkQueueMetrics(metrics, realClock);
    await serveComponent(stages, {
      component: 'kube-controller-manager',
      flags,
      flagTexts: texts,
      client,
      metrics,
      configuration: { 'kubecontrollermanager.config.k8s.io': configuration(flags) },
    });
    const { server, ca, tlsServerName, insecureSkipTlsVerify } = await loadKubeconfig(kubeconfig);
    const accounts = await stages.run(
      'service account clients',
      () =>
        serviceAccountClients(
          client,
          {
            server,
            ...(ca === undefined ? {} : { ca }),
            ...(tlsServerName === undefined ? {} : { tlsServerName }),
            ...(insecureSkipTlsVerify === undefined ? {} : { insecureSkipTlsVerify }),
          },
          realClock,
        ),
      (made) => made.close(),
    );
    const manager = createControllerManager({
      client,
      ...(flags.useServiceAccountCredentials ? { clientFor: accounts.clientFor } : {}),
      clock: realClock,
      random: secureRandom,
      controllers: flags.controllers,
      queueMetrics,
      settings: {
        ...(flags.allocateNodeCidrs && flags.clusterCidr ? { clusterCidr: flags.clusterCidr } : {}),
        ...(flags.nodeCidrMaskSize ? { nodeCidrMaskSize: flags.nodeCidrMaskSize } : {}),
        ...(rootCa === undefined ? {} : { rootCa }),
        ...(certificateSigning === undefined ? {} : { certificateSigning }),
        ...(flags.terminatedPodGcThreshold === undefined
          ? {}
          : { terminatedPodThreshold: flags.terminatedPodGcThreshold }),
        ...(flags.nodeMonitorPeriod ? { nodeMonitorPeriodMs: flags.nodeMonitorPeriod } : {}),
        ...(flags.nodeMonitorGracePeriod ? { nodeMonitorGracePeriodMs: flags.nodeMonitorGracePeriod } : {}),
        ...(flags.nodeStartupGracePeriod ? { nodeStartupGracePeriodMs: flags.nodeStartupGracePeriod } : {}),
      },
      ...(flags.leaderElect
        ? {
            leaderElectionIdentity: replicaIdentity(),
            leaderElection: {
              leaseDurationMs: flags.leaderElectLeaseDuration,
              renewDeadlineMs: flags.leaderElectRenewDeadline,
              retryPeriodMs: flags.leaderElectRetryPeriod,
            },
            onLeadershipLost: () => fail('leader election lost'),
          }
        : {}),
      onError: (controller, error, key) => log.warn(`${controller}: ${key ?? ''}: ${messageOf(error)}`),
    });
    await stages.run(
      'controllers',
      () => manager.start(),
      () => manager.stop(),
    );
  });
}

/** The part of KubeControllerManagerConfiguration that is heeded. */
const configuration = (flags: Flags) => ({
  Generic: {
    Controllers: flags.controllers,
    LeaderElection: {
      LeaderElect: flags.leaderElect,
      LeaseDuration: `${flags.leaderElectLeaseDuration / 1000}s`,
      RenewDeadline: `${flags.leaderElectRenewDeadline / 1000}s`,
      RetryPeriod: `${flags.leaderElectRetryPeriod / 1000}s`,
      ResourceName: 'kube-controller-manager',
      ResourceNamespace: 'kube-system',
    },
  },
  KubeCloudShared: { AllocateNodeCIDRs: flags.allocateNodeCidrs, ClusterCIDR: flags.clusterCidr ?? '' },
});

function signing(flags: Flags): ControllerManagerSettings['certificateSigning'] {
  const { clusterSigningCertFile: cert, clusterSigningKeyFile: key, clusterSigningDuration: mostMs } = flags;
  if (cert === undefined && key === undefined) return undefined;
  const certPem = readFlagFile(
    '--cluster-signing-cert-file',
    required(cert, '--cluster-signing-cert-file', 'goes with --cluster-signing-key-file'),
  );
  const keyPem = readFlagFile(
    '--cluster-signing-key-file',
    required(key, '--cluster-signing-key-file', 'goes with --cluster-signing-cert-file'),
  );
  return { authority: new CertificateAuthority({ certPem, keyPem }), ...(mostMs ? { mostMs } : {}) };
}
