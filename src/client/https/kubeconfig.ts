/** Kubeconfig files: which server, and who asks (client-go clientcmd api/v1 Config). */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../../base/errors.ts';
import type { HttpsTransportOptions } from './https.ts';

/** What a kubeconfig says of the connection; the composition root adds the clock. */
export type ConnectionConfig = Omit<HttpsTransportOptions, 'clock' | 'connectTimeoutMs'> & {
  /** Of the context; `default` when it names none. */
  readonly namespace: string;
};

interface Named<T> {
  readonly name: string;
  readonly value: T;
}

interface Cluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
}

interface User {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: unknown;
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** Reads a file; inline data wins over files, and files are found from the kubeconfig's own folder. */
export async function loadKubeconfig(path: string, context?: string): Promise<ConnectionConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`reading the kubeconfig ${path}: ${messageOf(cause)}`, { cause });
  }
  return parseKubeconfig(text, { path, ...(context === undefined ? {} : { context }) });
}

export async function parseKubeconfig(
  text: string,
  options: { readonly path: string; readonly context?: string },
): Promise<ConnectionConfig> {
  const { path } = options;
  let config: Record<string, unknown>;
  try {
    config = (parse(text) ?? {}) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`kubeconfig ${path} is not YAML: ${messageOf(cause)}`, { cause });
  }
  const contextName = options.context ?? (config['current-context'] as string | undefined);
  if (!contextName) throw new Error(`kubeconfig ${path}: names no current-context, and none was asked for`);
  const context = find<Context>(config, 'contexts', 'context', contextName, path);
  const cluster = find<Cluster>(config, 'clusters', 'cluster', context.cluster ?? '', path);
  const user: User = context.user ? find<User>(config, 'users', 'user', context.user, path) : {};
  if (!cluster.server) throw new Error(`kubeconfig ${path}: cluster '${context.cluster}' has no server`);
  if (user.exec)
    throw new Error(`kubeconfig ${path}: user '${context.user}' needs an exec plugin, which is not supported`);

  const folder = dirname(path);
  const ca = await pem(cluster, 'certificate-authority', folder);
  const cert = await pem(user, 'client-certificate', folder);
  const key = await pem(user, 'client-key', folder);
  return {
    server: cluster.server,
    namespace: context.namespace || 'default',
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(cluster['tls-server-name'] ? { tlsServerName: cluster['tls-server-name'] } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { insecureSkipTlsVerify: true } : {}),
    ...(user.token ? { token: user.token } : {}),
    ...(user.tokenFile ? { tokenFile: resolve(folder, user.tokenFile) } : {}),
    ...(user.username ? { username: user.username, password: user.password ?? '' } : {}),
  };
}

/** How a pod reaches its own cluster: its ServiceAccount's token and the Service variables. */
export async function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  folder = '/var/run/secrets/kubernetes.io/serviceaccount',
): Promise<ConnectionConfig> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port)
    throw new Error('in-cluster configuration: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set');
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return {
    server: `https://${bracketed}:${port}`,
    ca: await readFile(`${folder}/ca.crt`, 'utf8'),
    tokenFile: `${folder}/token`,
    namespace: (await readFile(`${folder}/namespace`, 'utf8').catch(() => 'default')).trim(),
  };
}

function find<T>(config: Record<string, unknown>, list: string, field: string, name: string, path: string): T {
  const entries = (config[list] ?? []) as readonly (Named<never> & Record<string, unknown>)[];
  const entry = entries.find((e) => e.name === name);
  if (!entry) throw new Error(`kubeconfig ${path}: has no ${field} '${name}'`);
  return (entry[field] ?? {}) as T;
}

async function pem<T extends object>(from: T, field: keyof T & string, folder: string): Promise<string | undefined> {
  const data = (from as Record<string, unknown>)[`${field}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const file = from[field];
  return typeof file === 'string' && file !== '' ? readFile(resolve(folder, file), 'utf8') : undefined;
}
