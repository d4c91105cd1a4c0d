/** `skiff kubelet`: the node agent alone, on a container runtime that somebody else runs. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { messageOf } from '../../base/errors.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { createKubelet } from '../../kubelet/kubelet.ts';
import { containerdEvents } from '../../kubelet/runtime/containerd/events.ts';
import { CriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { connect } from '../connect.ts';
import { hostAddress } from '../host-address.ts';
import { UsageError } from '../usage-error.ts';
import { count, list, port, readFlagFile, required, runComponent } from './component.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly hostnameOverride?: string;
  readonly nodeIp?: string;
  readonly containerRuntimeEndpoint?: string;
  readonly rootDir: string;
  readonly nodeLabels?: string[];
  readonly registerWithTaints?: string[];
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly port?: number;
  readonly v: number;
}

/** KubeletConfiguration (kubelet.config.k8s.io/v1beta1), the fields that are heeded. */
interface Configuration {
  readonly address?: string;
  readonly port?: number;
  readonly clusterDNS?: string[];
  readonly clusterDomain?: string;
  readonly maxPods?: number;
  readonly failCgroupV1?: boolean;
  readonly containerRuntimeEndpoint?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly authentication?: { readonly x509?: { readonly clientCAFile?: string } };
}

export function addKubelet(command: Command): Command {
  return command
    .description('the node agent alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--config <file>', 'a KubeletConfiguration; flags win')
    .option('--hostname-override <name>', "the node's name")
    .option('--node-ip <ip>', "the node's address")
    .option('--container-runtime-endpoint <url>', 'the CRI socket: unix:///run/containerd/containerd.sock')
    .option('--root-dir <dir>', 'volumes and logs', '/var/lib/kubelet')
    .option('--node-labels <list>', 'key=value,...', list)
    .option('--register-with-taints <list>', 'key=value:effect,...', list)
    .option('--tls-cert-file <file>', 'PEM, the serving certificate')
    .option('--tls-private-key-file <file>', 'PEM, its key')
    .option('--client-ca-file <file>', "PEM; clients' certificates are verified against it")
    .option('--port <port>', 'the HTTPS port', port)
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  const config = readConfiguration(flags.config);
  // Upstream's default since v1.35.
  if ((config.failCgroupV1 ?? true) && !existsSync('/sys/fs/cgroup/cgroup.controllers'))
    throw new UsageError('this host has cgroup v1, which kubelets refuse unless failCgroupV1: false in --config');
  const certFile = required(
    flags.tlsCertFile ?? config.tlsCertFile,
    '--tls-cert-file',
    'the serving certificate (PEM)',
  );
  const keyFile = required(
    flags.tlsPrivateKeyFile ?? config.tlsPrivateKeyFile,
    '--tls-private-key-file',
    'its key (PEM)',
  );
  const caFile = required(
    flags.clientCaFile ?? config.authentication?.x509?.clientCAFile,
    '--client-ca-file',
    'whose clients may ask us (PEM)',
  );
  const certificates = {
    certPem: readFlagFile('--tls-cert-file', certFile),
    keyPem: readFlagFile('--tls-private-key-file', keyFile),
    clientCaPem: readFlagFile('--client-ca-file', caFile),
  };
  const endpoint =
    flags.containerRuntimeEndpoint ?? config.containerRuntimeEndpoint ?? 'unix:///run/containerd/containerd.sock';
  const socketPath = endpoint.replace(/^unix:\/\//, '');
  if (!existsSync(socketPath))
    throw new UsageError(
      `--container-runtime-endpoint ${endpoint}: no such socket; start the runtime, or name its socket`,
    );
  const nodeIp = flags.nodeIp ?? (await hostAddress());
  if (nodeIp === undefined) throw new UsageError('--node-ip: this host has no address of its own; name one');
  const labels = Object.fromEntries((flags.nodeLabels ?? []).map((text) => splitPair(text, '--node-labels')));
  const taints = (flags.registerWithTaints ?? []).map(parseTaint);

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
        registerWithTaints: taints,
        ...(config.address ? { address: config.address } : {}),
        ...((flags.port ?? config.port) === undefined ? {} : { port: (flags.port ?? config.port)! }),
        ...(config.clusterDNS ? { clusterDns: config.clusterDNS } : {}),
        ...(config.clusterDomain ? { clusterDomain: config.clusterDomain } : {}),
        ...(config.maxPods ? { maxPods: config.maxPods } : {}),
      },
      { client, runtime, clock: realClock, random: secureRandom, log: (message) => log.warn(message) },
    );
    // As upstream's: containers run on, and the next kubelet takes them over.
    await stages.run(
      'kubelet',
      () => kubelet.start(),
      () => kubelet.stop('keep'),
    );
  });
}

function readConfiguration(file: string | undefined): Configuration {
  if (file === undefined) return {};
  let value: unknown;
  try {
    value = parse(readFlagFile('--config', file));
  } catch (error) {
    throw new UsageError(`--config ${file}: ${messageOf(error)}`);
  }
  const { kind, apiVersion } = (value ?? {}) as { kind?: string; apiVersion?: string };
  if (kind !== 'KubeletConfiguration' || apiVersion !== 'kubelet.config.k8s.io/v1beta1')
    throw new UsageError(
      `--config ${file}: is ${kind ?? 'nothing'} of ${apiVersion ?? 'no version'}; want KubeletConfiguration of kubelet.config.k8s.io/v1beta1`,
    );
  return value as Configuration;
}

function splitPair(text: string, flag: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`${flag} ${text}: want key=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function parseTaint(text: string) {
  const found = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (!found)
    throw new UsageError(`--register-with-taints ${text}: want key=value:NoSchedule (or PreferNoSchedule, NoExecute)`);
  return { key: found[1]!, effect: found[3]!, ...(found[2] ? { value: found[2] } : {}) };
}
