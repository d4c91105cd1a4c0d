/** `skiff kubelet`: the node agent alone, on a container runtime that somebody else runs. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { createKubelet } from '../../kubelet/kubelet.ts';
import { containerdEvents } from '../../kubelet/runtime/containerd/events.ts';
import { CriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { connect } from '../connect.ts';
import { hostAddress } from '../host-address.ts';
import { checkKubeletConfiguration, readKubeletConfiguration } from '../kubelet-configuration.ts';
import { UsageError } from '../usage-error.ts';
import { count, list, readFlagFile, required, runComponent } from './component.ts';
import { addConfigurationFlags, withConfigurationFlags } from './kubelet-flags.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly hostnameOverride?: string;
  readonly nodeIp?: string;
  readonly rootDir: string;
  readonly nodeLabels?: string[];
  readonly shutdownOnSigterm?: boolean;
  readonly v: number;
}

export function addKubelet(command: Command): Command {
  command
    .description('the node agent alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--config <file>', 'a KubeletConfiguration; flags win')
    .option('--hostname-override <name>', "the node's name")
    .option('--node-ip <ip>', "the node's address")
    .option('--root-dir <dir>', 'volumes and logs', '/var/lib/kubelet')
    .option('--node-labels <list>', 'key=value,...', list)
    .option('--shutdown-on-sigterm', 'SIGTERM means that the machine goes down: pods end, as shutdownGracePeriod says')
    .option('-v, --v <n>', 'how much to say', count, 0);
  return addConfigurationFlags(command).action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  const file = readKubeletConfiguration('--config', flags.config);
  const given = withConfigurationFlags(file, flags as Flags & Record<string, unknown>);
  const config = checkKubeletConfiguration('--config', given);
  const certFile = required(config.tlsCertFile, '--tls-cert-file', 'the serving certificate (PEM)');
  const keyFile = required(config.tlsPrivateKeyFile, '--tls-private-key-file', 'its key (PEM)');
  const { clientCAFile } = given.authentication?.x509 ?? {};
  const caFile = required(clientCAFile, '--client-ca-file', 'whose clients may ask us (PEM)');
  const certificates = {
    certPem: readFlagFile('--tls-cert-file', certFile),
    keyPem: readFlagFile('--tls-private-key-file', keyFile),
    clientCaPem: readFlagFile('--client-ca-file', caFile),
  };
  const endpoint = config.containerRuntimeEndpoint;
  const socketPath = endpoint.replace(/^unix:\/\//, '');
  if (!existsSync(socketPath))
    throw new UsageError(
      `--container-runtime-endpoint ${endpoint}: no such socket; start the runtime, or name its socket`,
    );
  const nodeIp = flags.nodeIp ?? (await hostAddress());
  if (nodeIp === undefined) throw new UsageError('--node-ip: this host has no address of its own; name one');
  const labels = Object.fromEntries((flags.nodeLabels ?? []).map((text) => splitPair(text, '--node-labels')));

  await runComponent('kubelet', flags.v, async ({ stages, log }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kubelet'),
      (made) => made.transport.close(),
    );
    const runtime = new CriRuntime({ socketPath, events: (signal) => containerdEvents(socketPath, signal) });
    await stages.run(
      'runtime',
      () => runtime.version(),
      () => runtime.close(),
    );
    const kubelet = createKubelet(
      {
        nodeName: (flags.hostnameOverride ?? hostname()).toLowerCase(),
        dataDir: resolve(flags.rootDir),
        nodeIps: [nodeIp],
        certificates,
        nodeLabels: labels,
        configuration: given,
      },
      { client, runtime, clock: realClock, random: secureRandom, log: (message) => log.warn(message) },
    );
    // As upstream's: containers run on, and the next kubelet takes them over, unless the machine goes down.
    await stages.run(
      'kubelet',
      () => kubelet.start(),
      async () => {
        if (flags.shutdownOnSigterm) await kubelet.shutDown();
        await kubelet.stop('keep');
      },
    );
  });
}

function splitPair(text: string, flag: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`${flag} ${text}: want key=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}
