/**
 * The HTTPS port that a component has for itself (kube-controller-manager 10257, kube-scheduler 10259): health, metrics, its
 * configuration and flags. Who may read them is the API server's to say, as with upstream's; health is for everybody.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Command } from 'commander';
import { ZPages } from '../../apiserver/zpages/zpages.ts';
import { messageOf } from '../../base/errors.ts';
import type { MetricsRegistry } from '../../base/metrics.ts';
import { realClock } from '../../base/node/real-clock.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import type { Client } from '../../client/client.ts';
import { certificateUser } from '../../client/https/certificate-user.ts';
import { anonymousUser, Reviews } from '../../client/reviews.ts';
import type { ConfigMap } from '../../apis/generated/types/core/v1.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import { newForbidden, newUnauthorized } from '../../machinery/status/errors.ts';
import { StatusError } from '../../machinery/status/status.ts';
import { CertificateAuthority, type KeyPair } from '../../pki/certificate.ts';
import type { Stages } from '../stages.ts';
import { list, port, readFlagFile, required } from './component.ts';

export interface ServingFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly authenticationKubeconfig?: string;
  readonly authorizationKubeconfig?: string;
  readonly authorizationAlwaysAllowPaths: string[];
}

export const addServingFlags = (command: Command, defaultPort: number): Command =>
  command
    .option('--bind-address <ip>', 'where health and metrics are served', '0.0.0.0')
    .option('--secure-port <port>', 'the HTTPS port of health and metrics; 0: none', port, defaultPort)
    .option('--tls-cert-file <file>', 'PEM, its certificate (default: one made at the start)')
    .option('--tls-private-key-file <file>', 'PEM, its key')
    .option('--client-ca-file <file>', "PEM; clients' certificates are verified against it (default: the cluster's)")
    .option('--authentication-kubeconfig <file>', 'accepted; tokens are asked about with --kubeconfig')
    .option('--authorization-kubeconfig <file>', 'accepted; rights are asked about with --kubeconfig')
    .option('--authorization-always-allow-paths <list>', 'paths for everybody', list, [
      '/healthz',
      '/readyz',
      '/livez',
    ]);

export interface Served {
  readonly component: string;
  readonly flags: ServingFlags;
  /** What /flagz says. */
  readonly flagTexts: Readonly<Record<string, string>>;
  readonly client: Client;
  readonly metrics: MetricsRegistry;
  /** What /configz says, by the name of the configuration. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Whether all is well, by the name of the check; one that throws is told with its message. */
  readonly checks?: Readonly<Record<string, () => void>>;
}

/** Upstream's defaults of delegated reviews. */
const reviewTimes = { tokenMs: 10_000, allowedMs: 10_000, deniedMs: 10_000 };
const health = ['/healthz', '/livez', '/readyz'];

/** Serves until the stages are undone; with port 0 not at all. */
export async function serveComponent(stages: Stages, served: Served): Promise<void> {
  const { flags } = served;
  if (flags.securePort === 0) return;
  const pair = servingPair(flags);
  const ca =
    flags.clientCaFile === undefined
      ? await clusterCa(served.client)
      : readFlagFile('--client-ca-file', flags.clientCaFile);
  await stages.run(
    'serving',
    () => listen(new ComponentPort(served), { cert: pair.certPem, key: pair.keyPem, ...(ca ? { ca } : {}) }, flags),
    (server) => {
      server.close();
      server.closeAllConnections();
    },
  );
}

function servingPair({ tlsCertFile, tlsPrivateKeyFile }: ServingFlags): KeyPair {
  if (tlsCertFile !== undefined || tlsPrivateKeyFile !== undefined)
    return {
      certPem: readFlagFile('--tls-cert-file', required(tlsCertFile, '--tls-cert-file', 'goes with its key')),
      keyPem: readFlagFile(
        '--tls-private-key-file',
        required(tlsPrivateKeyFile, '--tls-private-key-file', 'goes with its certificate'),
      ),
    };
  const nowMs = Date.now();
  const [from, to] = [nowMs - 3_600_000, nowMs + 365 * 24 * 3_600_000];
  return CertificateAuthority.create('localhost-ca', from, to).issue({
    commonName: 'localhost',
    sans: ['localhost', '127.0.0.1'],
    usages: ['serverAuth'],
    notBeforeMs: from,
    notAfterMs: to,
  });
}

/** What the API server publishes; without it, certificates name nobody. */
async function clusterCa(client: Client): Promise<string | undefined> {
  try {
    const { data } = await client
      .resource<ConfigMap>({ group: '', version: 'v1', resource: 'configmaps' })
      .namespace('kube-system')
      .get('extension-apiserver-authentication');
    return data?.['client-ca-file'];
  } catch {
    return undefined;
  }
}

function listen(page: ComponentPort, tls: object, { bindAddress, securePort }: ServingFlags): Promise<Server> {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) =>
    page.answer(request, response),
  );
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`--secure-port: listening on ${bindAddress}:${securePort}: ${messageOf(error)}`)),
    );
    server.listen({ host: bindAddress, port: securePort }, () => resolve(server));
  });
}

type Page = readonly [status: number, type: string, body: string];

class ComponentPort {
  readonly #served: Served;
  readonly #reviews: Reviews;
  readonly #zpages: ZPages;

  constructor(served: Served) {
    this.#served = served;
    this.#reviews = new Reviews(served.client, realClock, reviewTimes);
    this.#zpages = new ZPages(
      {
        component: served.component,
        startedMs: realClock.now(),
        flags: served.flagTexts,
        paths: ['/configz', '/flagz', ...health, '/metrics', '/statusz'],
      },
      { clock: realClock, random: secureRandom },
    );
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://component');
    let page: Page;
    try {
      await this.#authorize(request, url.pathname);
      page = this.#page(request, url);
    } catch (error) {
      page =
        error instanceof StatusError
          ? [error.status.code ?? 500, 'application/json', `${JSON.stringify(error.status)}\n`]
          : [500, 'text/plain; charset=utf-8', `${messageOf(error)}\n`];
    }
    const [status, type, body] = page;
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
  }

  async #authorize(request: IncomingMessage, path: string): Promise<void> {
    if (this.#served.flags.authorizationAlwaysAllowPaths.includes(path)) return;
    const user = certificateUser(request.socket as TLSSocket) ?? (await this.#userOf(request.headers.authorization));
    if (user.groups.includes('system:masters')) return;
    const verb = (request.method ?? 'GET').toLowerCase();
    if (!(await this.#reviews.may(user, { nonResourceAttributes: { path, verb } })))
      throw newForbidden({ group: '', resource: '' }, '', `User "${user.username}" cannot ${verb} path "${path}"`);
  }

  /** Whoever shows a token that nobody knows is not anonymous. */
  async #userOf(header: string | undefined): Promise<UserInfo> {
    if (header === undefined) return anonymousUser;
    const user = await this.#reviews.userOf(header);
    if (!user) throw newUnauthorized('Unauthorized');
    return user;
  }

  #page(request: IncomingMessage, url: URL): Page {
    const { pathname } = url;
    if (health.includes(pathname)) return this.#health(pathname.slice(1), url.searchParams.has('verbose'));
    if (pathname === '/metrics') return [200, 'text/plain; version=0.0.4; charset=utf-8', this.#served.metrics.text()];
    if (pathname === '/configz') return [200, 'application/json', JSON.stringify(this.#served.configuration)];
    const accept = request.headers.accept;
    const answer = this.#zpages.answer({
      info: { path: pathname },
      request: { headers: accept === undefined ? {} : { accept } },
    });
    if (answer?.kind === 'bytes')
      return [answer.status, String(answer.headers['content-type']), new TextDecoder().decode(answer.body)];
    return [404, 'text/plain; charset=utf-8', '404 page not found\n'];
  }

  #health(name: string, verbose: boolean): Page {
    const lines: string[] = [];
    let failed = false;
    for (const [check, run] of Object.entries({ ping: () => {}, ...this.#served.checks })) {
      try {
        run();
        lines.push(`[+]${check} ok`);
      } catch (error) {
        failed = true;
        lines.push(`[-]${check} failed: ${messageOf(error)}`);
      }
    }
    const type = 'text/plain; charset=utf-8';
    if (failed) return [500, type, `${lines.join('\n')}\n${name} check failed\n`];
    return [200, type, verbose ? `${lines.join('\n')}\n${name} check passed\n` : 'ok'];
  }
}
