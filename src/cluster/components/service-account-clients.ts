/** Clients that act as ServiceAccounts of kube-system: each controller with its own rights, over the network. */
import type { ServiceAccount } from '../../apis/generated/types/core/v1.ts';
import type { TokenRequest } from '../../apis/generated/types/authentication.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { createHttpsTransport, type HttpsTransportOptions } from '../../client/https/https.ts';
import { createClient } from '../../client/rest.ts';
import { isAlreadyExists } from '../../machinery/status/is.ts';
import { kubernetesVersion } from '../version.ts';

/** What is asked for; the server may give less. A token is replaced at four fifths of its life. */
const tokenSeconds = 3600;

/** `connection`: where the server is, without credentials. `client` needs to create accounts and their tokens. */
export function serviceAccountClients(
  client: Client,
  connection: Pick<HttpsTransportOptions, 'server' | 'ca' | 'tlsServerName' | 'insecureSkipTlsVerify'>,
  clock: Clock,
): { clientFor(name: string): Client; close(): Promise<void> } {
  const accounts = client
    .resource<ServiceAccount>({ group: '', version: 'v1', resource: 'serviceaccounts' })
    .namespace('kube-system');
  const clients: Client[] = [];
  const tokenOf = (name: string) => {
    let current: Promise<{ readonly token: string; readonly renewAtMs: number }> | undefined;
    const fetch = async () => {
      await accounts.create({ metadata: { name } }).catch((error) => {
        if (!isAlreadyExists(error)) throw error;
      });
      const request = { metadata: {}, spec: { audiences: [], expirationSeconds: tokenSeconds } };
      const { status } = await accounts.create<TokenRequest>(request, { name, subresource: 'token' });
      if (!status?.token) throw new Error(`the token request for kube-system/${name} was answered without a token`);
      const lifeMs = Date.parse(status.expirationTimestamp ?? '') - clock.now() || tokenSeconds * 1000;
      return { token: status.token, renewAtMs: clock.now() + lifeMs * 0.8 };
    };
    return async (): Promise<string> => {
      const known = await current?.catch(() => undefined);
      if (!known || known.renewAtMs <= clock.now()) current = fetch();
      return (await current!).token;
    };
  };
  return {
    clientFor(name) {
      const made = createClient({
        transport: createHttpsTransport({ ...connection, clock, tokenSource: tokenOf(name) }),
        clock,
        userAgent: `kube-controller-manager/${kubernetesVersion}/${name}`,
      });
      clients.push(made);
      return made;
    },
    async close() {
      await Promise.all(clients.map((made) => made.transport.close()));
    },
  };
}
