/** How each side is started. Everything that costs or spares work is the same on both; see docs/benchmarks.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './children.ts';
import type { Command, Place, SideProgram } from './side.ts';
import { repository, type Tools } from './tools.ts';

/** Neither side is to turn requests away: the loads are above the defaults of a small installation. */
const limits = ['--max-requests-inflight=3000', '--max-mutating-requests-inflight=1000'];
const serviceNetwork = '10.217.0.0/16';
/** Upstream's clients hold themselves back at 20 to 50 requests a second unless told otherwise. */
const clientRate = 5000;

const apiServerFlags = ({ port, file }: Place): string[] => [
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--tls-cert-file=${file.cert}`,
  `--tls-private-key-file=${file.key}`,
  `--client-ca-file=${file.ca}`,
  `--service-account-signing-key-file=${file.serviceAccountKey}`,
  `--service-account-key-file=${file.serviceAccountPublicKey}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-cluster-ip-range=${serviceNetwork}`,
  '--authorization-mode=Node,RBAC',
  // Upstream publishes no loopback address; nothing here ever connects to it.
  '--advertise-address=10.216.0.1',
  ...limits,
];

export function skiffProgram(): SideProgram {
  const command = (component: string, ...args: string[]): Command => ({
    component,
    file: process.execPath,
    args: [...nodeOptions(component), join(repository, 'bin', component), ...args],
  });
  return {
    name: 'skiff',
    apiServer: async (at) => [
      command('kube-apiserver', '--store=lmdb', `--data-dir=${join(at.directory, 'store')}`, ...apiServerFlags(at)),
    ],
    controllers: (at) => [
      command(
        'kube-controller-manager',
        `--kubeconfig=${at.kubeconfig('controller-manager')}`,
        '--use-service-account-credentials',
        `--root-ca-file=${at.file.ca}`,
        '--leader-elect=false',
      ),
      command('kube-scheduler', `--kubeconfig=${at.kubeconfig('scheduler')}`, '--leader-elect=false'),
    ],
  };
}

/** `PROFILE=DIR`: a CPU profile of each of our processes is written there when it ends. */
function nodeOptions(component: string): string[] {
  const directory = process.env['PROFILE'];
  return directory ? ['--cpu-prof', `--cpu-prof-dir=${join(directory, component)}`] : [];
}

export function upstreamProgram(tools: Tools): SideProgram {
  const command = (component: keyof Tools['upstream'], ...args: string[]): Command => ({
    component,
    file: tools.upstream[component],
    args,
  });
  return {
    name: 'upstream',
    apiServer: async (at) => {
      const [client, peer] = [await freePort(), await freePort()];
      const url = `http://127.0.0.1:${client}`;
      return [
        command(
          'etcd',
          `--data-dir=${join(at.directory, 'etcd')}`,
          `--listen-client-urls=${url}`,
          `--advertise-client-urls=${url}`,
          `--listen-peer-urls=http://127.0.0.1:${peer}`,
          `--quota-backend-bytes=${8 * 2 ** 30}`,
          '--log-level=error',
        ),
        command('kube-apiserver', `--etcd-servers=${url}`, ...apiServerFlags(at)),
      ];
    },
    controllers: (at) => [
      command(
        'kube-controller-manager',
        `--kubeconfig=${at.kubeconfig('controller-manager')}`,
        '--use-service-account-credentials',
        `--service-account-private-key-file=${at.file.serviceAccountKey}`,
        `--root-ca-file=${at.file.ca}`,
        '--leader-elect=false',
        '--secure-port=0',
        `--kube-api-qps=${clientRate}`,
        `--kube-api-burst=${clientRate}`,
      ),
      command('kube-scheduler', `--config=${schedulerConfig(at)}`, '--secure-port=0'),
    ],
  };
}

function schedulerConfig(at: Place): string {
  const path = join(at.directory, 'scheduler.json');
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: at.kubeconfig('scheduler'), qps: clientRate, burst: clientRate },
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
