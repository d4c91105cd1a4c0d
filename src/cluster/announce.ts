/** A node's part in load balancers: it says which segments it is on, and announces the addresses that it is given. */
import type { Node } from '../apis/generated/types/core/v1.ts';
import { messageOf } from '../base/errors.ts';
import { realClock } from '../base/node/real-clock.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informers.ts';
import { linksAnnotation } from '../cloud/local/plan.ts';
import { contains, parseCidr } from '../network/cidr.ts';
import { ip } from '../network/command.ts';
import { Announcer } from '../network/loadbalancer/announcer.ts';
import { gratuitousArp, macBytes } from '../network/loadbalancer/gratuitous-arp.ts';
import { outerLinks, sendFrame } from '../network/loadbalancer/links.ts';
import type { Stages } from './stages.ts';

export async function startAnnouncer(
  options: { readonly nodeName: string; readonly bridge: string },
  client: Client,
  informers: InformerFactory,
  stages: Stages,
  log: (message: string) => void,
): Promise<void> {
  const links = () => outerLinks([options.bridge]);
  const tell = async (address: string) => {
    for (const link of await links())
      if (link.networks.some((network) => contains(parseCidr(network), address)))
        try {
          sendFrame(link.index, gratuitousArp(macBytes(link.mac), address));
        } catch (error) {
          // Neighbours learn it later, when they ask again.
          log(`announcing ${address} on ${link.name}: ${messageOf(error)}`);
        }
  };
  const announcer = new Announcer(options, { informers, clock: realClock, ip, tell, log });
  await stages.run(
    'load balancers',
    async () => {
      const networks = (await links()).flatMap((link) => link.networks).join(',');
      const change = { metadata: { annotations: { [linksAnnotation]: networks } } };
      const nodes = client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
      await nodes.patch(options.nodeName, 'merge', change);
      await announcer.start();
    },
    () => announcer.stop(),
  );
}
