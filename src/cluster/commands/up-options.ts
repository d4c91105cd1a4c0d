/** The flags of `skiff up`, as CONTRACT has them: from the command line and `--config`; the command line wins. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { messageOf } from '../../base/errors.ts';
import { isIP } from 'node:net';
import { AddressPool } from '../../cloud/local/pool.ts';
import { parseStubDomain } from '../../network/dns/forwarder.ts';
import { overlaps, parseCidr } from '../../network/cidr.ts';
import { type RouteMode, routeModes } from '../../network/routes/plan.ts';
import { UsageError } from '../usage-error.ts';

export type RuntimeName = 'containerd' | 'hollow';
export type StoreName = 'lmdb' | 'memory' | 'etcd';

export interface UpOptions {
  readonly dataDir: string;
  readonly runtime: RuntimeName;
  readonly nodes: number;
  readonly store: StoreName;
  readonly etcdServers: readonly string[];
  /** Undefined: loopback and the node's internal address. */
  readonly bindAddress: string | undefined;
  readonly securePort: number;
  /** Undefined: found out. */
  readonly nodeIp: string | undefined;
  readonly podNetworkCidr: string;
  readonly serviceCidr: string;
  /** Undefined: load balancers have the nodes' own addresses. */
  readonly loadBalancerPool: string | undefined;
  /** How packets of pods get to other nodes. */
  readonly routeMode: RouteMode;
  /** `DOMAIN=ADDRESS,...` each. */
  readonly dnsStubDomain: readonly string[];
  /** Undefined: `DIR/admin.conf`. */
  readonly kubeconfig: string | undefined;
  readonly mergeKubeconfig: boolean;
  readonly loadImage: readonly string[];
  /** Undefined: the one in PATH. */
  readonly containerd: string | undefined;
  /** Undefined: each node has an empty one of its own. */
  readonly registryConfig: string | undefined;
  /** Undefined: upstream's defaults, but for what `skiff up` relaxes. */
  readonly kubeletConfig: string | undefined;
  readonly detach: boolean;
  readonly output: 'text' | 'json';
  readonly verbosity: number;
}

export const defaultDataDir = (): string => (process.getuid?.() === 0 ? '/var/lib/skiff' : join(homedir(), '.skiff'));

/** Of every command: which cluster. */
export const dataDirOption = (): Option =>
  new Option('--data-dir <dir>', 'where all state lives').default(defaultDataDir()).env('SKIFF_DATA_DIR');

const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];

function wholeNumber(least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most)
      throw new InvalidArgumentError(`want a whole number from ${least} to ${most}.`);
    return number;
  };
}

function address(value: string): string {
  if (isIP(value) === 0) throw new InvalidArgumentError('want an IP address.');
  return value;
}

function network(value: string): string {
  const [ip, length, ...rest] = value.split('/');
  if (isIP(ip ?? '') !== 4 || rest.length > 0 || !/^\d{1,2}$/.test(length ?? '') || Number(length) > 32)
    throw new InvalidArgumentError('want an IPv4 network such as 10.244.0.0/16.');
  return value;
}

function stubDomain(value: string, before: readonly string[] | undefined): string[] {
  try {
    parseStubDomain(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return [...collect(value, before)];
}

function pool(value: string): string {
  try {
    AddressPool.parse(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return value;
}

/** Adds the flags to a command. */
export function addUpOptions(command: Command): Command {
  return command
    .addOption(dataDirOption())
    .addOption(
      new Option('--runtime <name>', 'what runs containers').choices(['containerd', 'hollow']).default('containerd'),
    )
    .option(
      '--nodes <n>',
      'how many nodes; with containerd, those past the first live in network namespaces',
      wholeNumber(1, 5000),
      1,
    )
    .addOption(
      new Option('--store <name>', 'where objects are kept').choices(['lmdb', 'memory', 'etcd']).default('lmdb'),
    )
    .option('--etcd-servers <urls>', 'with --store etcd: URL,...', (value: string) => value.split(','))
    .option(
      '--bind-address <ip>',
      "the API server's address (default: loopback and the node's internal address)",
      address,
    )
    .option('--secure-port <port>', "the API server's port; 0: any free one", wholeNumber(0, 65535), 6443)
    .option('--node-ip <ip>', "the node's internal address (default: the host's, or the pod bridge's)", address)
    .option('--pod-network-cidr <cidr>', 'addresses of pods; each node gets a /24', network, '10.244.0.0/16')
    .option('--service-cidr <cidr>', 'addresses of Services', network, '10.96.0.0/12')
    .option(
      '--load-balancer-pool <ranges>',
      "addresses for Services of type LoadBalancer: FIRST-LAST or networks, with commas (default: the nodes' own)",
      pool,
    )
    .addOption(
      new Option('--route-mode <mode>', 'how packets of pods get to other nodes').choices(routeModes).default('host'),
    )
    .option(
      '--dns-stub-domain <domain=servers>',
      'whose names other servers answer: DOMAIN=ADDRESS,...; repeatable',
      stubDomain,
    )
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: DIR/admin.conf)')
    .option('--merge-kubeconfig', 'also merge a context into $KUBECONFIG or ~/.kube/config')
    .option('--load-image <file>', 'an OCI or docker archive to import into every node; repeatable', collect)
    .option('--containerd <file>', 'the containerd to run, with its shim and ctr beside it (default: found in PATH)')
    .option('--registry-config <dir>', "containerd's registry directory: REGISTRY/hosts.toml, read at each pull")
    .option(
      '--kubelet-config <file>',
      'a KubeletConfiguration for every node (default: a full disk evicts no pod and removes no image)',
    )
    .option('--detach', 'return when ready; `skiff down` stops it')
    .addOption(new Option('--output <form>', 'what to print when ready').choices(['text', 'json']).default('text'))
    .option('--config <file>', 'a YAML file with the same names; flags win')
    .option('-v, --v <n>', 'how much to say: 0 to 9', wholeNumber(0, 9), 0);
}

/** Reads a parsed command (and its `--config`) into options; throws UsageError naming the flag. */
export function upOptionsOf(command: Command): UpOptions {
  const flags = command.opts() as Record<string, unknown>;
  const values = { ...flags, ...fromConfig(command, flags) };
  const options: UpOptions = {
    dataDir: resolve(values['dataDir'] as string),
    runtime: values['runtime'] as RuntimeName,
    nodes: values['nodes'] as number,
    store: values['store'] as StoreName,
    etcdServers: (values['etcdServers'] as string[] | undefined) ?? [],
    bindAddress: values['bindAddress'] as string | undefined,
    securePort: values['securePort'] as number,
    nodeIp: values['nodeIp'] as string | undefined,
    podNetworkCidr: values['podNetworkCidr'] as string,
    serviceCidr: values['serviceCidr'] as string,
    loadBalancerPool: values['loadBalancerPool'] as string | undefined,
    routeMode: values['routeMode'] as RouteMode,
    dnsStubDomain: (values['dnsStubDomain'] as string[] | undefined) ?? [],
    kubeconfig: path(values['kubeconfig']),
    mergeKubeconfig: values['mergeKubeconfig'] === true,
    loadImage: ((values['loadImage'] as string[] | undefined) ?? []).map((file) => resolve(file)),
    containerd: path(values['containerd']),
    registryConfig: path(values['registryConfig']),
    kubeletConfig: path(values['kubeletConfig']),
    detach: values['detach'] === true,
    output: values['output'] as 'text' | 'json',
    verbosity: values['v'] as number,
  };
  if (overlaps(parseCidr(options.podNetworkCidr), parseCidr(options.serviceCidr)))
    throw new UsageError(
      `--pod-network-cidr ${options.podNetworkCidr} and --service-cidr ${options.serviceCidr} overlap; choose two that do not`,
    );
  if (options.store !== 'etcd' && options.etcdServers.length > 0)
    throw new UsageError(`--etcd-servers goes with --store etcd, not with --store ${options.store}`);
  if (options.runtime === 'hollow' && options.kubeletConfig !== undefined)
    throw new UsageError('--kubelet-config goes with --runtime containerd: hollow nodes have no kubelet');
  if (options.store === 'etcd') throw new UsageError('--store etcd: not built yet; use lmdb (the default) or memory');
  return options;
}

const path = (value: unknown): string | undefined => (value === undefined ? undefined : resolve(value as string));

/** Values of the file for flags that the command line does not name. Each goes through its flag's own parser. */
function fromConfig(command: Command, flags: Record<string, unknown>): Record<string, unknown> {
  const file = flags['config'] as string | undefined;
  if (file === undefined) return {};
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new UsageError(`--config ${file}: ${messageOf(error)}`);
  }
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new UsageError(`--config ${file}: want a mapping of flag names to values`);
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed as Record<string, unknown>)) {
    const option = command.options.find((o) => o.long === `--${name}`);
    if (!option || name === 'config')
      throw new UsageError(`--config ${file}: '${name}' is no flag of 'skiff ${command.name()}' (see --help)`);
    const key = option.attributeName();
    if (command.getOptionValueSource(key) === 'cli') continue;
    if (option.argChoices && !option.argChoices.includes(String(value)))
      throw new UsageError(`--config ${file}: ${name} is '${value}'; want one of ${option.argChoices.join(', ')}`);
    if (option.isBoolean()) out[key] = value === true;
    else {
      const texts = Array.isArray(value) ? value.map(String) : [String(value)];
      try {
        out[key] = option.parseArg
          ? texts.reduce<unknown>((before, text) => option.parseArg!(text, before as never), undefined)
          : texts[0];
      } catch (error) {
        throw new UsageError(`--config ${file}: ${name} is '${value}'; ${messageOf(error)}`);
      }
    }
  }
  return out;
}
