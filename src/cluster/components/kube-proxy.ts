/** `skiff kube-proxy`: Services in this host's nftables, from any API server. */
import { createHash } from 'node:crypto';
import { networkInterfaces, hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import type { Client } from '../../client/client.ts';
import { InformerFactory } from '../../client/informers.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { contains, parseCidr } from '../../network/cidr.ts';
import { conntrack, nft } from '../../network/command.ts';
import { proxyTable } from '../../network/names.ts';
import {
  defaultProxyConfiguration,
  nodePortIps,
  parseProxyConfiguration,
  type ProxyConfiguration,
  withPort,
} from '../../network/proxy/configuration.ts';
import { HealthCheckPorts } from '../../network/proxy/health-check-ports.ts';
import { ProxyHealth } from '../../network/proxy/health.ts';
import { ProxyMetrics } from '../../network/proxy/metrics.ts';
import { ServiceProxy } from '../../network/proxy/proxy.ts';
import { deleteScript } from '../../network/proxy/ruleset.ts';
import { parseBindAddress, serveHealth, serveMetrics, stopServer } from '../../network/proxy/servers.ts';
import { connect } from '../connect.ts';
import { UsageError } from '../usage-error.ts';
import { count, duration, list, readFlagFile, required, runComponent } from './component.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange: string;
  readonly hostnameOverride?: string;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly nodeportAddresses?: string[];
  readonly nftablesMinSyncPeriod?: number;
  readonly nftablesSyncPeriod?: number;
  readonly cleanup?: boolean;
  readonly v: number;
}

type Family = 'ip' | 'ip6';

export function addKubeProxy(command: Command): Command {
  return command
    .description('Services in nftables, alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--config <file>', 'a KubeProxyConfiguration; flags win')
    .option('--cluster-cidr <cidrs>', 'addresses of pods: traffic to a ClusterIP from elsewhere is masqueraded')
    .option(
      '--service-cluster-ip-range <cidrs>',
      'addresses of Services: what is left untranslated is refused',
      '10.96.0.0/12',
    )
    .option('--hostname-override <name>', "the node's name")
    .option('--healthz-bind-address <address>', 'health for load balancers (default: 0.0.0.0:10256)')
    .option('--metrics-bind-address <address>', 'metrics (default: 127.0.0.1:10249)')
    .option('--nodeport-addresses <cidrs>', "networks at whose addresses node ports answer, or 'primary'", list)
    .option('--nftables-min-sync-period <duration>', 'rules change at most so often (default: 1s)', duration)
    .option('--nftables-sync-period <duration>', 'rules that are older than twice this are unhealthy', duration)
    .addOption(new Option('--proxy-mode <mode>', 'how Services are done').choices(['nftables']).default('nftables'))
    .option('--cleanup', 'remove the tables and exit')
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags));
}

/** The configuration file with the flags laid over it. */
function settings(flags: Flags): ProxyConfiguration {
  let base = defaultProxyConfiguration;
  if (flags.config)
    try {
      base = parseProxyConfiguration(parse(readFlagFile('--config', flags.config)));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`--config ${flags.config}: ${messageOf(error)}`);
    }
  const health = flags.healthzBindAddress;
  const metrics = flags.metricsBindAddress;
  return {
    ...base,
    kubeconfig: flags.kubeconfig ?? base.kubeconfig,
    hostnameOverride: flags.hostnameOverride ?? base.hostnameOverride,
    ...(health !== undefined && { healthzBindAddress: health && withPort(health, 10256) }),
    ...(metrics !== undefined && { metricsBindAddress: metrics && withPort(metrics, 10249) }),
    ...(flags.clusterCidr && { clusterCidrs: list(flags.clusterCidr) }),
    ...(flags.nodeportAddresses && { nodePortAddresses: flags.nodeportAddresses }),
    ...(flags.nftablesMinSyncPeriod !== undefined && { minSyncPeriodMs: flags.nftablesMinSyncPeriod }),
    ...(flags.nftablesSyncPeriod !== undefined && { syncPeriodMs: flags.nftablesSyncPeriod }),
  };
}

async function start(flags: Flags): Promise<void> {
  const configuration = settings(flags);
  const nodeName = (configuration.hostnameOverride || hostname()).toLowerCase();
  // Named for the node: a host runs one proxy for each cluster whose node it is.
  const tableName = proxyTable(createHash('sha256').update(`kube-proxy ${nodeName}`).digest('hex').slice(0, 8));
  if (flags.cleanup) {
    for (const family of ['ip', 'ip6'] as const) await nft(deleteScript(family, tableName));
    return;
  }
  const kubeconfig = required(configuration.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  if (configuration.clusterCidrs.length === 0) throw new UsageError('--cluster-cidr is required: addresses of pods');
  await runComponent('kube-proxy', flags.v, async ({ stages, log, signal }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-proxy'),
      (made) => made.transport.close(),
    );
    const say = (message: string) => log.warn(message);
    const onError = (error: unknown) => say(`kube-proxy: ${messageOf(error)}`);
    const informers = new InformerFactory({ client, clock: realClock, random: secureRandom, onError });
    await stages.run(
      'informers',
      () => {},
      () => informers.stop(),
    );
    const metrics = new ProxyMetrics();
    const health = new ProxyHealth(realClock, 2 * configuration.syncPeriodMs);
    const serve = async (name: string, address: string, open: typeof serveHere) => {
      const at = parseBindAddress(address);
      // As upstream's: an address that is taken is told, and Services are served all the same.
      if (at)
        await stages
          .run(name, () => open(at), stopServer)
          .catch((error) => say(`${name} on ${address}: ${messageOf(error)}`));
    };
    const serveHere = (at: { readonly host: string; readonly port: number }) => serveHealth(health, metrics, at);
    await serve('health', configuration.healthzBindAddress, serveHere);
    await serve('metrics', configuration.metricsBindAddress, (at) => serveMetrics(metrics, configuration, at));
    const answering = await nodePortAddresses(client, nodeName, configuration.nodePortAddresses, signal);
    const serviceCidrs = list(flags.serviceClusterIpRange);
    const ofFamily = (cidrs: readonly string[], family: Family) =>
      cidrs.find((cidr) => cidr.includes(':') === (family === 'ip6'));
    for (const family of ['ip', 'ip6'] as const) {
      const podCidr = ofFamily(configuration.clusterCidrs, family);
      if (!podCidr) continue;
      const serviceCidr = ofFamily(serviceCidrs, family);
      const healthChecks = new HealthCheckPorts(
        () => health.rulesCurrent,
        () => answering,
        say,
      );
      const proxy = new ServiceProxy(
        {
          nodeName,
          tableName,
          family,
          podCidr,
          masqueradeMark: 2 ** configuration.masqueradeBit,
          masqueradeAll: configuration.masqueradeAll,
          minSyncPeriodMs: configuration.minSyncPeriodMs,
          ...(serviceCidr && { serviceCidr }),
          ...(answering && { nodePortIps: answering }),
        },
        {
          informers,
          clock: realClock,
          nft,
          conntrack,
          log: say,
          metrics,
          health,
          // One answer for both families: that of the first.
          ...(family === (ofFamily(configuration.clusterCidrs, 'ip') ? 'ip' : 'ip6') && { healthChecks }),
        },
      );
      await stages.run(
        `proxy (${family})`,
        () => proxy.start(),
        () => proxy.stop(),
      );
    }
  });
}

/** Read once: a node that is given another address restarts its proxy, as upstream's does. */
async function nodePortAddresses(
  client: Client,
  nodeName: string,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const primary = wanted[0] === 'primary' ? await internalIps(client, nodeName, signal) : [];
  return nodePortIps(wanted, own, primary, (cidr, ip) =>
    cidr.includes(':') || ip.includes(':') ? cidr === '::/0' && ip.includes(':') : contains(parseCidr(cidr), ip),
  );
}

/** The Node may not be registered yet: it is waited for, a while. */
async function internalIps(client: Client, nodeName: string, signal: AbortSignal): Promise<string[]> {
  const nodes = client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
  for (let tries = 0; ; tries++) {
    try {
      const { status } = await nodes.get(nodeName);
      const addresses = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
      if (addresses.length > 0) return addresses.map(({ address }) => address);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (tries >= nodeTries)
      throw new Error(
        `node ${nodeName} has no address: node ports would answer nowhere; name networks with --nodeport-addresses`,
      );
    await sleep(realClock, nodePauseMs, signal, 'kube-proxy: waiting for the node');
  }
}

const nodeTries = 60;
const nodePauseMs = 500;
