/** A registry behind a client, without authentication, admission or anything that runs: for tests of one component. */
import { testRegistry } from '../apiserver/registry/testing.suite.ts';
import type { FakeClock } from '../base/fake-clock.ts';
import { SeededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createDirectTransport } from '../client/direct/direct.ts';
import { createClient } from '../client/rest.ts';
import type { Handler } from '../machinery/wire.ts';

export interface BareServer {
  readonly clock: FakeClock;
  readonly random: SeededRandom;
  readonly client: Client;
  /** Of every request so far: `PATCH /api/v1/...`. */
  readonly requests: string[];
  /** Called before each request; what it throws is the answer. */
  intercept: (method: string, url: string) => void;
  /** The request waits for this before it is served. */
  hold: (method: string, url: string) => Promise<void> | undefined;
  stop(): Promise<void>;
}

/** With the namespaces default and kube-node-lease. */
export async function bareServer(): Promise<BareServer> {
  const { registry, clock, raw } = await testRegistry();
  const handler: Handler = async ({ method, url, headers, body, signal }) => {
    server.requests.push(`${method} ${url}`);
    server.intercept(method, url);
    await server.hold(method, url);
    const plain = Object.fromEntries(Object.entries(headers).filter((h): h is [string, string] => h[1] !== undefined));
    return raw(method, url, { headers: plain, signal, ...(body === undefined ? {} : { body }) });
  };
  const transport = createDirectTransport({ handler, user: { username: 'test', groups: [] }, clock });
  const server: BareServer = {
    clock,
    random: new SeededRandom(7),
    client: createClient({ transport, clock }),
    requests: [],
    intercept: () => {},
    hold: () => undefined,
    async stop() {
      await transport.close();
      await registry.stop();
    },
  };
  const namespaces = server.client.resource({ group: '', version: 'v1', resource: 'namespaces' });
  for (const name of ['default', 'kube-node-lease'])
    await namespaces.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  server.requests.length = 0;
  return server;
}
