import type { ContainerSpec, LifecycleHandler, Pod, Probe } from '../types.ts';

/** The number behind a port of a probe or hook: given, in digits, or by the name of a container's port. */
export function resolvePort(port: number | string | undefined, container: ContainerSpec): number {
  if (typeof port === 'number') return port;
  const text = String(port ?? '');
  const named = container.ports?.find(({ name }) => name === text)?.containerPort;
  const number = named ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  if (!(number > 0 && number < 65_536)) throw new Error(`couldn't find port: "${text}" in container ${container.name}`);
  return number;
}

export interface HttpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

type HttpGet = NonNullable<Probe['httpGet']>;

/** The request of an httpGet probe or hook. */
export function httpTarget(
  get: HttpGet | NonNullable<LifecycleHandler['httpGet']>,
  container: ContainerSpec,
  podIp: string,
  agent: string,
): HttpTarget {
  const host = get.host || podIp;
  const port = resolvePort(get.port, container);
  const path = (get.path ?? '').startsWith('/') ? get.path! : `/${get.path ?? ''}`;
  const headers: Record<string, string> = { 'user-agent': agent, accept: '*/*' };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`, headers };
}

/** Whether a pod's readiness and startup can change while it is being deleted: liveness is no longer looked at then. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}
