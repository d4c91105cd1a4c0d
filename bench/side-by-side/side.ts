/**
 * The two sides. A side is an API server with its store, made empty at each start, and the controllers and the scheduler
 * where a load needs them. Both get the same certificates, limits, authorizers and clients; who measures is an ordinary
 * user whose rights come from RBAC.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { ClusterPki } from '../../src/pki/cluster-pki.ts';
import { ensureClusterPki } from '../../src/pki/pki-files.ts';
import { type Child, type Children, freePort } from './children.ts';
import { Generator, type Pids } from './generator.ts';
import { loadRole } from './objects.ts';
import type { Tools } from './tools.ts';

export type SideName = 'skiff' | 'upstream';

/** What a side starts: commands for a directory and a port of its own. */
export interface SideProgram {
  readonly name: SideName;
  /** Started one after the other; ready when the API server says so. */
  apiServer(at: Place): Promise<readonly Command[]>;
  controllers(at: Place): readonly Command[];
}

export interface Command {
  readonly component: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Place {
  /** Empty when the side starts. */
  readonly directory: string;
  readonly port: number;
  readonly file: PkiPaths;
  readonly kubeconfig: (identity: 'controller-manager' | 'scheduler') => string;
}

export interface PkiPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
}

/** Longer means that it never will be ready. */
const readyWithinMs = 60_000;

export class Side {
  readonly name: SideName;
  readonly #program: SideProgram;
  readonly #children: Children;
  readonly #tools: Tools;
  readonly #pki: ClusterPki;
  readonly #running: { component: string; child: Child }[] = [];
  #place: Place | undefined;
  #generator: Generator | undefined;
  #loadProcess: Child | undefined;
  #starts = 0;

  constructor(program: SideProgram, children: Children, tools: Tools) {
    this.name = program.name;
    this.#program = program;
    this.#children = children;
    this.#tools = tools;
    this.#pki = ensureClusterPki(join(children.directory, 'pki'), { nowMs: Date.now() });
  }

  get load(): Generator {
    if (!this.#generator) throw new Error(`${this.name} is not running`);
    return this.#generator;
  }

  get pids(): Pids {
    return Object.fromEntries(this.#running.map(({ component, child }) => [component, [child.pid]]));
  }

  /** Starts with no state. Resolves with the milliseconds from the first process to ready. */
  async start(): Promise<number> {
    this.#starts++;
    const directory = join(this.#children.directory, this.name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const place = (this.#place = { ...this.#files(directory), port: await freePort() });
    const commands = await this.#program.apiServer(place);
    const startedMs = performance.now();
    for (const command of commands) this.#run(command);
    await this.#ready(place.port);
    const tookMs = performance.now() - startedMs;
    await this.#makeLoadUser();
    const user = this.#pki.client({ commonName: 'load', organizations: ['loads'] });
    const [cert, key] = [this.#write('load.crt', user.certPem), this.#write('load.key', user.keyPem)];
    const child = this.#children.start(
      `${this.name}-load`,
      this.#tools.generator,
      ['client', `127.0.0.1:${place.port}`, place.file.ca, cert, key],
      { stdio: ['pipe', 'pipe', 2] },
    );
    this.#loadProcess = child;
    this.#generator = new Generator(child, () => this.pids);
    return tookMs;
  }

  /** Files of certificates, for a server and a client that know each other. */
  certificates(): PkiPaths {
    return this.#files(this.#children.directory).file;
  }

  /** Controllers and scheduler. */
  startControllers(): void {
    for (const command of this.#program.controllers(this.#place!)) this.#run(command);
  }

  async stop(): Promise<void> {
    this.#generator = undefined;
    await this.#loadProcess?.end();
    // The last started first: nothing complains about what has gone already.
    for (const { child } of this.#running.splice(0).reverse()) await child.end();
  }

  /** A request by an administrator, outside of all measuring. Throws unless the status is below 300. */
  async admin(method: string, path: string, body?: object, contentType = 'application/json'): Promise<unknown> {
    const { status, text } = await this.#request(method, path, body && JSON.stringify(body), contentType);
    if (status >= 300) throw new Error(`${this.name}: ${method} ${path}: status ${status}: ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** With the ServiceAccount that pods need: nobody else makes it where no controllers run. */
  async makeNamespace(name: string): Promise<void> {
    await this.admin('POST', '/api/v1/namespaces', { metadata: { name } });
    const path = `/api/v1/namespaces/${name}/serviceaccounts`;
    const { status, text } = await this.#request('POST', path, '{"metadata":{"name":"default"}}', 'application/json');
    if (status !== 201 && status !== 409) throw new Error(`${this.name}: POST ${path}: status ${status}: ${text}`);
  }

  #run(command: Command): void {
    const child = this.#children.start(
      `${this.name}-${command.component}-${this.#starts}`,
      command.file,
      command.args,
      {
        ...(command.env ? { env: command.env } : {}),
      },
    );
    this.#running.push({ component: command.component, child });
  }

  async #ready(port: number): Promise<void> {
    const limit = performance.now() + readyWithinMs;
    for (;;) {
      const ended = this.#running.find(({ child }) => child.hasEnded);
      if (ended) throw new Error(`${this.name}: ${ended.component} ended:\n${ended.child.lastWords}`);
      if (performance.now() > limit)
        throw new Error(
          `${this.name} was not ready within ${readyWithinMs / 1000} s at port ${port}:\n` +
            this.#running.map(({ component, child }) => `${component}: ${child.lastWords}`).join('\n'),
        );
      const status = await this.#request('GET', '/readyz').then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #makeLoadUser(): Promise<void> {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await this.admin('POST', `${rbac}/clusterroles`, loadRole);
    await this.admin('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'load' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'load' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'loads' }],
    });
  }

  #request(method: string, path: string, body?: string, contentType?: string) {
    const { certPem: cert, keyPem: key } = this.#pki.client('super-admin');
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = contentType === undefined ? {} : { 'content-type': contentType };
      const port = this.#place!.port;
      const options = { host: '127.0.0.1', port, method, path, cert, key, ca: this.#pki.ca.certPem, headers };
      const sent = request({ ...options, servername: 'localhost', agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => (text += piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  #write(name: string, text: string): string {
    const path = join(this.#children.directory, `${this.name}-${name}`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  #files(directory: string): Omit<Place, 'port'> {
    const pki = this.#pki;
    return {
      directory,
      file: {
        ca: this.#write('ca.crt', pki.ca.certPem),
        cert: this.#write('apiserver.crt', pki.apiserver.certPem),
        key: this.#write('apiserver.key', pki.apiserver.keyPem),
        serviceAccountKey: this.#write('sa.key', pki.serviceAccountKey.privatePem),
        serviceAccountPublicKey: this.#write('sa.pub', pki.serviceAccountKey.publicPem),
      },
      kubeconfig: (identity) =>
        this.#write(`${identity}.conf`, pki.kubeconfig(identity, `https://127.0.0.1:${this.#place!.port}`)),
    };
  }
}
