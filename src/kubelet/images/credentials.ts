import type { ObjectReader } from '../containers/env.ts';
import type { AuthConfig } from '../runtime/runtime.ts';
import type { Pod, Secret } from '../types.ts';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** What a pod's pull secrets have for an image's registry; the more exact match first. Missing secrets are passed over. */
export async function pullCredentials(
  objects: Pick<ObjectReader, 'secret'>,
  pod: Pod,
  image: string,
): Promise<AuthConfig[]> {
  const found: { readonly key: string; readonly auth: AuthConfig }[] = [];
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    const secret = await objects.secret(pod.metadata.namespace ?? '', name ?? '');
    for (const [key, auth] of Object.entries(secret ? registryAuths(secret) : {}))
      if (matches(key, image)) found.push({ key, auth: authConfig(auth) });
  }
  return found.sort((a, b) => b.key.length - a.key.length).map(({ auth }) => auth);
}

function registryAuths(secret: Secret): Readonly<Record<string, DockerAuth>> {
  const read = (key: string): unknown => {
    const text = secret.data?.[key];
    if (text === undefined) return undefined;
    try {
      return JSON.parse(Buffer.from(text, 'base64').toString());
    } catch {
      return undefined;
    }
  };
  const modern = read('.dockerconfigjson') as { readonly auths?: Readonly<Record<string, DockerAuth>> } | undefined;
  return modern?.auths ?? (read('.dockercfg') as Readonly<Record<string, DockerAuth>> | undefined) ?? {};
}

/** A key is a host, maybe with scheme, port and the beginning of a path; `*` stands for one part of the host. */
function matches(key: string, image: string): boolean {
  const wanted = key.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
  const full = fullName(image);
  const [host = '', ...path] = wanted.split('/');
  const [imageHost = '', ...imagePath] = full.split('/');
  const isDocker = /^(index\.)?docker\.io$/.test(host) && imageHost === 'docker.io';
  const pattern = new RegExp(`^${host.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.]*')}$`);
  return (
    (isDocker || pattern.test(imageHost)) &&
    `${imagePath.join('/')}/`.startsWith(path.length ? `${path.join('/')}/` : '')
  );
}

/** With the host that a short name stands for. */
function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]/.test(first) || first === 'localhost' ? image : `docker.io/${image}`;
}

/** Without the server's address, as upstream: the runtime would compare it, as a URL, with the image's host. */
function authConfig(auth: DockerAuth): AuthConfig {
  const [username, ...password] = Buffer.from(auth.auth ?? '', 'base64')
    .toString()
    .split(':');
  return {
    username: auth.username ?? username ?? '',
    password: auth.password ?? password.join(':'),
    ...(auth.identitytoken && { identityToken: auth.identitytoken }),
    ...(auth.registrytoken && { registryToken: auth.registrytoken }),
  };
}
