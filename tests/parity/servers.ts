import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../src/base/node/real-clock.ts';
import { SeededRandom } from '../../src/base/random.ts';
import { createApiServer } from '../../src/apiserver/server.ts';
import { JwtKeys } from '../../src/pki/jwt-keys.ts';
import { ensureClusterPki } from '../../src/pki/pki-files.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { type ApiTarget, directTarget, httpsTarget } from './target.ts';

const repository = process.env['SKIFF_REPOSITORY'] ?? join(import.meta.dirname, '../..');
const token = 'parity-admin';
/** Upstream's form of a token file. */
export const tokens = [`${token},admin,1,"system:masters"`, 'parity-jane,jane,2,"devs"'].join('\n');
/** Pods need no ServiceAccount here: no controller runs that would make one. */
const disabled = ['ServiceAccount'];

/** Our server as a function, objects in memory. */
export async function startDirect(): Promise<ApiTarget> {
  const pki = temporaryPki();
  const store = createMemoryStore({ clock: realClock });
  const server = createApiServer(
    { tokenAuthFile: tokens, disableAdmissionPlugins: disabled },
    {
      store,
      clock: realClock,
      random: new SeededRandom(1),
      tokenKeys: new JwtKeys({ privateKey: () => pki.value.serviceAccountKey.privatePem }),
    },
  );
  await server.start();
  return directTarget(server.handler, token, async () => {
    await server.stop();
    await store.close();
    pki.remove();
  });
}

/** Our `kube-apiserver` in a process of its own. */
export function startOurs(): Promise<ApiTarget> {
  const program = [process.execPath, join(repository, 'bin/kube-apiserver')];
  return startProcess('skiff', program, () => ['--store=memory']);
}

/** Upstream's, with an etcd of its own. */
export async function startUpstream(paths: { readonly etcd: string; readonly apiserver: string }): Promise<ApiTarget> {
  return startProcess('upstream', [paths.apiserver], async (dir, children) => {
    const [client, peer] = [await freePort(), await freePort()];
    const url = (port: number) => `http://127.0.0.1:${port}`;
    children.push(
      run([paths.etcd], dir, 'etcd', [
        `--data-dir=${join(dir, 'etcd')}`,
        `--listen-client-urls=${url(client)}`,
        `--advertise-client-urls=${url(client)}`,
        `--listen-peer-urls=${url(peer)}`,
        `--initial-advertise-peer-urls=${url(peer)}`,
        `--initial-cluster=default=${url(peer)}`,
      ]),
    );
    return [`--etcd-servers=${url(client)}`];
  });
}

async function startProcess(
  name: string,
  program: readonly string[],
  more: (dir: string, children: ChildProcess[]) => Promise<string[]> | string[],
): Promise<ApiTarget> {
  const { dir, value: pki, remove } = temporaryPki();
  const children: ChildProcess[] = [];
  const close = async () => {
    await Promise.all(children.map(end));
    remove();
  };
  try {
    const port = await freePort();
    writeFileSync(join(dir, 'tokens.csv'), tokens);
    const at = (file: string) => join(dir, 'pki', file);
    const flags = [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${at('apiserver.crt')}`,
      `--tls-private-key-file=${at('apiserver.key')}`,
      `--client-ca-file=${at('ca.crt')}`,
      `--service-account-issuer=https://kubernetes.default.svc.cluster.local`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      `--service-account-key-file=${at('sa.pub')}`,
      '--service-cluster-ip-range=10.96.0.0/12',
      '--authorization-mode=Node,RBAC',
      `--token-auth-file=${join(dir, 'tokens.csv')}`,
      `--disable-admission-plugins=${disabled.join(',')}`,
    ];
    flags.push(...(await more(dir, children)));
    children.push(run(program, dir, name, flags));
    const target = httpsTarget(name, { server: `https://127.0.0.1:${port}`, ca: pki.ca.certPem, token }, close);
    await ready(target, children, join(dir, `${name}.log`));
    return target;
  } catch (error) {
    await close();
    throw error;
  }
}

function temporaryPki() {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-parity-'));
  const value = ensureClusterPki(join(dir, 'pki'), { nowMs: Date.now() });
  return { dir, value, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

function run(
  [program, ...first]: readonly string[],
  dir: string,
  name: string,
  flags: readonly string[],
): ChildProcess {
  const log = openSync(join(dir, `${name}.log`), 'w');
  return spawn(program!, [...first, ...flags], { cwd: dir, stdio: ['ignore', log, log] });
}

/** Until /readyz says so: a server that is starting is asked a few times a second, one that has ended is not. */
async function ready(target: ApiTarget, children: readonly ChildProcess[], log: string): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) {
    const answer = await target.request({ method: 'GET', path: '/readyz' }).catch(() => undefined);
    if (answer?.status === 200) return;
    if (children.some(({ exitCode }) => exitCode !== null)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const said = readFileSync(log, 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(`starting ${target.name}: it did not become ready in 60 s; its last words:\n${said}`);
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.once('exit', () => {
      clearTimeout(late);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
