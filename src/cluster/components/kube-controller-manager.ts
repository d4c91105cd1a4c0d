/** `skiff kube-controller-manager`: all controllers, against any API server. */
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { loadKubeconfig } from '../../client/https/kubeconfig.ts';
import type { ControllerManagerSettings } from '../../controllers/context.ts';
import { createControllerManager, selectControllers } from '../../controllers/manager.ts';
import { CertificateAuthority } from '../../pki/certificate.ts';
import { connect } from '../connect.ts';
import { UsageError } from '../usage-error.ts';
import {
  addLeaderElectionFlags,
  boolean,
  count,
  duration,
  type LeaderElectionFlags,
  list,
  readFlagFile,
  replicaIdentity,
  required,
  runComponent,
} from './component.ts';
import { serviceAccountClients } from './service-account-clients.ts';

interface Flags extends LeaderElectionFlags {
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
  return addLeaderElectionFlags(command, true)
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
    .action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
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
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-controller-manager'),
      (made) => made.transport.close(),
    );
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
