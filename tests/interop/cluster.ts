/**
 * A cluster of one node, of processes of either side, in the network namespace that this process runs in. Ours is only
 * what no component of upstream's does: a containerd, the bridge of the pods' network, certificates and kubeconfigs.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '../../src/base/node/real-clock.ts';
import { Containerd } from '../../src/kubelet/runtime/containerd/containerd.ts';
import { nodeIdOf } from '../../src/kubelet/runtime/containerd/paths.ts';
import { cleanupNode, nodeCgroupName, stopAllSandboxes } from '../../src/kubelet/runtime/containerd/sweep.ts';
import type { CriRuntime } from '../../src/kubelet/runtime/cri/cri-runtime.ts';
import { cniConfList } from '../../src/network/cni/conf.ts';
import { ipBatch } from '../../src/network/command.ts';
import { bridgeName, cniNetwork } from '../../src/network/names.ts';
import { setUpNodeNetwork } from '../../src/network/node/setup.ts';
import { ensureClusterPki } from '../../src/pki/pki-files.ts';
import { busyboxArchive } from '../support/images.ts';
import {
  componentCommand,
  dnsIp,
  etcdCommand,
  kubernetesServiceIp,
  nodeIp,
  nodeName,
  type Places,
  podCidr,
  podNetworkCidr,
  server,
  serviceCidr,
} from './commands.ts';
import type { ComponentName, Pair } from './pairs.ts';
import { execute, type Output, Processes } from './processes.ts';

export interface Setup {
  readonly repository: string;
  /** Of upstream's programs. */
  readonly version: string;
  readonly programs: Places['programs'];
  /** 2.1 or newer. */
  readonly containerd: string;
}

export class InteropCluster {
  readonly processes: Processes;
  readonly #pair: Pair;
  readonly #places: Places;
  readonly #containerd: Containerd;
  #runtime: CriRuntime | undefined;

  constructor(setup: Setup, pair: Pair, dataDir: string, logDir: string) {
    this.#pair = pair;
    const kubeconfigDir = join(dataDir, 'kubeconfigs');
    const node = join(dataDir, 'node');
    for (const directory of [kubeconfigDir, node, logDir]) mkdirSync(directory, { recursive: true });
    this.processes = new Processes(logDir);
    const { repository, programs } = setup;
    const kubeletConfig = join(dataDir, 'kubelet.json');
    this.#places = { repository, programs, dataDir, pkiDir: join(dataDir, 'pki'), kubeconfigDir, kubeletConfig };
    const log = (message: string) => process.stderr.write(`    ${message}\n`);
    this.#containerd = new Containerd({ dataDir: node, binary: setup.containerd }, { clock: realClock, log });
  }

  /** Resolves when the node is ready. Rejects with one line that says what was waited for. */
  async start(): Promise<void> {
    this.#writeCredentials();
    await this.#startRuntime();
    if (this.#pair.sideOf('kube-apiserver') === 'theirs') this.processes.start('etcd', etcdCommand(this.#places));
    this.#start('kube-apiserver');
    await this.until('the API server to be ready', ['get', '--raw', '/readyz'], (said) => said === 'ok');
    await this.#allowKubeletClient();
    this.#start('kube-controller-manager');
    this.#start('kube-scheduler');
    this.#start('kubelet');
    this.#start('kube-proxy');
    const ready = '{.status.conditions[?(@.type=="Ready")].status} {.spec.podCIDR}';
    await this.until('the node to be ready', ['get', 'node', nodeName, '-o', `jsonpath=${ready}`], (said) => {
      return said === `True ${podCidr}`;
    });
    await this.until('the default ServiceAccount', ['get', 'serviceaccount', 'default', '-o', 'name'], (said) =>
      said.startsWith('serviceaccount/'),
    );
  }

  kubectl(args: readonly string[], input?: string): Promise<Output> {
    const { programs, kubeconfigDir, dataDir } = this.#places;
    const where = [`--kubeconfig=${join(kubeconfigDir, 'admin.conf')}`, `--cache-dir=${join(dataDir, 'kubectl')}`];
    return execute([programs.kubectl, ...where, ...args], input);
  }

  /** Asks until the answer is right; for a minute and a half. */
  async until(what: string, args: readonly string[], isRight: (stdout: string) => boolean): Promise<string> {
    const endMs = Date.now() + 90_000;
    for (;;) {
      const { stdout, stderr } = await this.kubectl(args);
      if (isRight(stdout.trim())) return stdout.trim();
      if (Date.now() > endMs)
        throw new Error(
          `waited 90 s for ${what}; the last answer was: ${(stdout.trim() || stderr.trim()).slice(0, 300)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Everything gone from the host but the directory's plain files; what resisted is returned. */
  async stop(): Promise<string[]> {
    if (this.#runtime) await stopAllSandboxes(this.#runtime).catch(() => {});
    await this.processes.end();
    await this.#containerd.stop();
    return cleanUp(this.#places.dataDir);
  }

  /** The API server's own certificate for kubelets is of kubeadm's group, which kubeadm gives its rights. */
  async #allowKubeletClient(): Promise<void> {
    const name = 'kubeadm:cluster-admins';
    const create = ['create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', `--group=${name}`];
    const { code, stderr } = await this.kubectl(create);
    if (code !== 0 && !stderr.includes('already exists')) throw new Error(`binding ${name}: ${stderr.trim()}`);
  }

  #start(name: ComponentName): void {
    this.processes.start(name, componentCommand(name, this.#pair.sideOf(name), this.#places));
  }

  #writeCredentials(): void {
    const { pkiDir, kubeconfigDir, kubeletConfig } = this.#places;
    const pki = ensureClusterPki(pkiDir, { nowMs: Date.now(), sans: [kubernetesServiceIp, nodeIp] });
    const identities = {
      admin: 'super-admin',
      'controller-manager': 'controller-manager',
      scheduler: 'scheduler',
      kubelet: { node: nodeName },
      'kube-proxy': { commonName: 'system:kube-proxy' },
    } as const;
    for (const [name, identity] of Object.entries(identities))
      writeFileSync(join(kubeconfigDir, `${name}.conf`), pki.kubeconfig(identity, server), { mode: 0o600 });
    const serving = pki.kubeletServing(nodeName, [nodeIp]);
    writeFileSync(join(pkiDir, 'kubelet.crt'), serving.certPem);
    writeFileSync(join(pkiDir, 'kubelet.key'), serving.keyPem, { mode: 0o600 });
    writeFileSync(kubeletConfig, JSON.stringify(this.#kubeletConfiguration()));
  }

  #kubeletConfiguration() {
    const { pkiDir, dataDir } = this.#places;
    return {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      failCgroupV1: false,
      failSwapOn: false,
      address: '0.0.0.0',
      port: 10250,
      cgroupDriver: 'cgroupfs',
      // The same that our own kubelet makes for its directory, so that one clean-up finds both.
      cgroupRoot: `/${this.#cgroup}`,
      // A negative score needs a capability that containers on some hosts lack.
      oomScoreAdj: 0,
      containerRuntimeEndpoint: `unix://${this.#containerd.paths.socket}`,
      clusterDNS: [dnsIp],
      clusterDomain: 'cluster.local',
      resolvConf: '',
      podLogsDir: join(dataDir, 'node/pod-logs'),
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'memory.available': '1Mi' },
      tlsCertFile: join(pkiDir, 'kubelet.crt'),
      tlsPrivateKeyFile: join(pkiDir, 'kubelet.key'),
      authentication: { anonymous: { enabled: false }, x509: { clientCAFile: join(pkiDir, 'ca.crt') } },
    };
  }

  get #cgroup(): string {
    return nodeCgroupName(nodeIdOf(join(this.#places.dataDir, 'node')));
  }

  async #startRuntime(): Promise<void> {
    const { dataDir } = this.#places;
    if (this.#pair.sideOf('kubelet') === 'theirs')
      for (const path of cgroupPaths(this.#cgroup)) mkdirSync(path, { recursive: true });
    await ipBatch([
      'link set lo up',
      'link add node0 type veth peer name node0-peer',
      `addr add ${nodeIp}/24 dev node0`,
      'link set node0 up',
      'link set node0-peer up',
      'route add default dev node0',
    ]);
    const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
    await setUpNodeNetwork({ id, clusterCidr: podNetworkCidr, podCidr, serviceCidr });
    const { cniConfDir } = this.#containerd.paths;
    mkdirSync(cniConfDir, { recursive: true });
    const list = {
      network: cniNetwork(id),
      bridge: bridgeName(id),
      podCidr,
      ipamDir: join(dataDir, 'node/cni/leases'),
    };
    writeFileSync(join(cniConfDir, '10-interop.conflist'), cniConfList(list));
    this.#runtime = await this.#containerd.start();
    const archive = join(dataDir, 'busybox.tar');
    writeFileSync(archive, busyboxArchive());
    await this.#containerd.loadImage(archive);
  }
}

/** A group of this name in every hierarchy of the host. */
function cgroupPaths(name: string): string[] {
  const root = '/sys/fs/cgroup';
  if (existsSync(join(root, 'cgroup.controllers'))) return [join(root, name)];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name, name));
}

/** Takes away what a cluster in this directory left on the host, and the directory. What resisted is returned. */
export async function cleanUp(dataDir: string): Promise<string[]> {
  const problems = await cleanupNode({ dataDir: join(dataDir, 'node') }, { clock: realClock, log: () => {} });
  removeLogLinks(dataDir);
  if (problems.length === 0) rmSync(dataDir, { recursive: true, force: true });
  return problems;
}

/** Upstream's kubelet links every container's log into a directory of the host. */
function removeLogLinks(dataDir: string): void {
  const directory = '/var/log/containers';
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    try {
      if (readlinkSync(path).startsWith(dataDir)) rmSync(path);
    } catch {
      // no link
    }
  }
}
