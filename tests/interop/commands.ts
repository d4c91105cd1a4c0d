/** The command lines of the components: the same flags for both sides where both know them. */
import { join } from 'node:path';
import type { ComponentName, Side } from './pairs.ts';

export const nodeName = 'n1';
/** On a link of the namespace: what the API server advertises and the node is known by. */
export const nodeIp = '10.215.128.1';
export const podNetworkCidr = '10.214.0.0/16';
/** What the only node gets of it. */
export const podCidr = '10.214.0.0/24';
export const serviceCidr = '10.215.0.0/17';
export const kubernetesServiceIp = '10.215.0.1';
export const dnsIp = '10.215.0.10';
/** Everything runs in a network namespace: ports are nobody else's. */
export const server = 'https://127.0.0.1:6443';
const etcdUrl = 'http://127.0.0.1:2379';

export interface Places {
  readonly repository: string;
  /** Of upstream's, by name. */
  readonly programs: Readonly<Record<ComponentName | 'etcd' | 'kubectl', string>>;
  readonly dataDir: string;
  readonly pkiDir: string;
  /** `NAME.conf` for each client. */
  readonly kubeconfigDir: string;
  /** KubeletConfiguration for both sides. */
  readonly kubeletConfig: string;
}

export function etcdCommand({ programs, dataDir }: Places): string[] {
  const urls = [`--listen-client-urls=${etcdUrl}`, `--advertise-client-urls=${etcdUrl}`];
  const peers = ['--listen-peer-urls=http://127.0.0.1:2380'];
  return [programs.etcd, `--data-dir=${join(dataDir, 'etcd')}`, ...urls, ...peers];
}

export function componentCommand(name: ComponentName, side: Side, places: Places): string[] {
  const program = side === 'ours' ? [process.execPath, join(places.repository, 'bin', name)] : [places.programs[name]];
  return [...program, ...flags[name](places, side)];
}

const flags: Readonly<Record<ComponentName, (places: Places, side: Side) => string[]>> = {
  'kube-apiserver': ({ pkiDir, dataDir }, side) => {
    const pki = (name: string) => join(pkiDir, name);
    return [
      '--bind-address=0.0.0.0',
      '--secure-port=6443',
      `--advertise-address=${nodeIp}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-signing-key-file=${pki('sa.key')}`,
      `--service-account-key-file=${pki('sa.pub')}`,
      `--service-cluster-ip-range=${serviceCidr}`,
      '--authorization-mode=Node,RBAC',
      `--kubelet-client-certificate=${pki('apiserver-kubelet-client.crt')}`,
      `--kubelet-client-key=${pki('apiserver-kubelet-client.key')}`,
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      ...(side === 'ours'
        ? ['--store=lmdb', `--data-dir=${join(dataDir, 'store')}`]
        : [`--etcd-servers=${etcdUrl}`, '--kubelet-preferred-address-types=InternalIP', '--allow-privileged=true']),
    ];
  },
  'kube-controller-manager': ({ kubeconfigDir, pkiDir }, side) => [
    `--kubeconfig=${join(kubeconfigDir, 'controller-manager.conf')}`,
    '--use-service-account-credentials=true',
    `--root-ca-file=${join(pkiDir, 'ca.crt')}`,
    '--allocate-node-cidrs=true',
    `--cluster-cidr=${podNetworkCidr}`,
    ...(side === 'ours'
      ? []
      : [
          `--service-cluster-ip-range=${serviceCidr}`,
          `--service-account-private-key-file=${join(pkiDir, 'sa.key')}`,
          `--cluster-signing-cert-file=${join(pkiDir, 'ca.crt')}`,
          `--cluster-signing-key-file=${join(pkiDir, 'ca.key')}`,
        ]),
  ],
  'kube-scheduler': ({ kubeconfigDir }) => [`--kubeconfig=${join(kubeconfigDir, 'scheduler.conf')}`],
  kubelet: ({ kubeconfigDir, kubeletConfig, dataDir }, side) => [
    `--kubeconfig=${join(kubeconfigDir, 'kubelet.conf')}`,
    `--config=${kubeletConfig}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeIp}`,
    // Ours keeps its pods below the runtime's directory, as `skiff up` has it.
    `--root-dir=${side === 'ours' ? join(dataDir, 'node') : join(dataDir, 'node/kubelet')}`,
  ],
  'kube-proxy': ({ kubeconfigDir }, side) => [
    `--kubeconfig=${join(kubeconfigDir, 'kube-proxy.conf')}`,
    `--hostname-override=${nodeName}`,
    `--cluster-cidr=${podNetworkCidr}`,
    '--proxy-mode=nftables',
    ...(side === 'ours'
      ? [`--service-cluster-ip-range=${serviceCidr}`]
      : // The limits of connection tracking are the host's.
        ['--conntrack-max-per-core=0', '--conntrack-min=0']),
  ],
};
