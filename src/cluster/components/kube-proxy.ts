/** `skiff kube-proxy`: Services in this host's nftables, from any API server. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { InformerFactory } from '../../client/informers.ts';
import { conntrack, nft } from '../../network/command.ts';
import { proxyTable } from '../../network/names.ts';
import { ServiceProxy } from '../../network/proxy/proxy.ts';
import { deleteScript } from '../../network/proxy/ruleset.ts';
import { connect } from '../connect.ts';
import { count, required, runComponent } from './component.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange: string;
  readonly hostnameOverride?: string;
  readonly cleanup?: boolean;
  readonly v: number;
}

export function addKubeProxy(command: Command): Command {
  return command
    .description('Services in nftables, alone')
    .option('--kubeconfig <file>', 'where the API server is, and who we are')
    .option('--cluster-cidr <cidr>', 'addresses of pods: traffic to a ClusterIP from elsewhere is masqueraded')
    .option(
      '--service-cluster-ip-range <cidr>',
      'addresses of Services: what is left untranslated is refused',
      '10.96.0.0/12',
    )
    .option('--hostname-override <name>', "the node's name")
    .addOption(new Option('--proxy-mode <mode>', 'how Services are done').choices(['nftables']).default('nftables'))
    .option('--cleanup', 'remove the table and exit')
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags));
}

async function start(flags: Flags): Promise<void> {
  const nodeName = (flags.hostnameOverride ?? hostname()).toLowerCase();
  // Named for the node: a host runs one proxy for each cluster whose node it is.
  const tableName = proxyTable(createHash('sha256').update(`kube-proxy ${nodeName}`).digest('hex').slice(0, 8));
  if (flags.cleanup) {
    await nft(deleteScript('ip', tableName));
    return;
  }
  const kubeconfig = required(flags.kubeconfig, '--kubeconfig', 'where the API server is, and who we are');
  const podCidr = required(flags.clusterCidr, '--cluster-cidr', 'addresses of pods');
  await runComponent('kube-proxy', flags.v, async ({ stages, log }) => {
    const client = await stages.run(
      'client',
      () => connect(kubeconfig, 'kube-proxy'),
      (made) => made.transport.close(),
    );
    const informers = new InformerFactory({
      client,
      clock: realClock,
      random: secureRandom,
      onError: (error) => log.warn(`kube-proxy: ${messageOf(error)}`),
    });
    await stages.run(
      'informers',
      () => {},
      () => informers.stop(),
    );
    const proxy = new ServiceProxy(
      { nodeName, tableName, family: 'ip', podCidr, serviceCidr: flags.serviceClusterIpRange },
      { informers, clock: realClock, nft, conntrack, log: (message) => log.warn(message) },
    );
    await stages.run(
      'proxy',
      () => proxy.start(),
      () => proxy.stop(),
    );
  });
}
