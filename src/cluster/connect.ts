/** A client from a kubeconfig file, for commands that talk to a cluster from outside its process. */
import { realClock } from '../base/node/real-clock.ts';
import type { Client } from '../client/client.ts';
import { createHttpsTransport } from '../client/https/https.ts';
import { loadKubeconfig } from '../client/https/kubeconfig.ts';
import { createClient } from '../client/rest.ts';
import { kubernetesVersion } from './version.ts';

export async function connect(kubeconfig: string, component: string): Promise<Client> {
  const connection = await loadKubeconfig(kubeconfig);
  return createClient({
    transport: createHttpsTransport({ ...connection, clock: realClock }),
    clock: realClock,
    userAgent: `${component}/${kubernetesVersion}`,
  });
}
