/**
 * Whether the server behind an APIService answers: looked at whenever the APIService, its Service or its endpoints change,
 * and every so often, and told as its condition Available (upstream: controllers/status/remote).
 */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { type Outbound, type OutboundAnswer, readAnswer } from '../outbound/outbound.ts';
import { serviceEndpoint } from '../outbound/service-endpoint.ts';
import type { Lookup } from '../registry/registry.ts';
import { defaultServicePort, peerOf } from './api-service.ts';
import { remoteHeaders } from './front-proxy-headers.ts';

export interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface AvailabilityDependencies {
  readonly lookup: () => Lookup;
  readonly random: Random;
  readonly clock: Clock;
  readonly outbound: Outbound;
}

const checkTimeoutMs = 5000;
const user = { username: 'system:kube-aggregator', groups: ['system:masters'] };

export async function checkAvailability(
  apiService: APIService,
  deps: AvailabilityDependencies,
  signal: AbortSignal,
): Promise<Verdict> {
  const { name = '', namespace = '', port = defaultServicePort } = apiService.spec!.service!;
  const lookup = deps.lookup();
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
  const service = lookup.get<Service>('', 'services', namespace, name);
  if (service === undefined) return no('ServiceNotFound', `${where} is not present`);
  if (service.spec?.type === 'ClusterIP') {
    const found = service.spec.ports?.find((p) => p.port === port);
    if (found === undefined) return no('ServicePortError', `${where} is not listening on port ${port}`);
    const slices = slicesOf(lookup, namespace, name);
    if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${where}`);
    const portName = found.name ?? '';
    const ready = slices.some(
      (slice) =>
        (slice.endpoints ?? []).some((e) => e.conditions?.ready !== false) &&
        (slice.ports ?? []).some((p) => (p.name ?? '') === portName && p.port !== undefined),
    );
    if (!ready)
      return no(
        'MissingEndpoints',
        `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`,
      );
  }
  const { group, version } = apiService.spec!;
  const failed = await fetchFrom(apiService, `/apis/${group}/${version}`, deps, signal).then(
    async ({ url, answer }) => {
      await readAnswer(answer);
      if (answer.status >= 200 && answer.status < 300) return undefined;
      return `failing or missing response from ${url}: bad status from ${url}: ${answer.status}`;
    },
    (error) => messageOf(error),
  );
  if (failed !== undefined) return no('FailedDiscoveryCheck', failed);
  return { status: 'True', reason: 'Passed', message: 'all checks passed' };
}

/** Fetches a document of the server behind an APIService, as the aggregator itself. */
export async function fetchFrom(
  apiService: APIService,
  path: string,
  deps: AvailabilityDependencies,
  signal: AbortSignal,
  accept = 'application/json',
): Promise<{ readonly url: string; readonly answer: OutboundAnswer }> {
  const { name = '', namespace = '', port = defaultServicePort } = apiService.spec!.service!;
  const connectTo = serviceEndpoint({ lookup: deps.lookup(), random: deps.random }, namespace, name, port);
  const { origin, ...peer } = peerOf(apiService);
  const url = `https://${connectTo.host.includes(':') ? `[${connectTo.host}]` : connectTo.host}:${connectTo.port}${path}`;
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const timer = deps.clock.after(
    checkTimeoutMs,
    () => controller.abort(new Error('context deadline exceeded')),
    'asking an aggregated server',
  );
  try {
    const answer = await deps.outbound({
      url: `${origin}${path}`,
      method: 'GET',
      headers: { ...remoteHeaders(user), accept } as Record<string, string>,
      identity: 'frontProxy',
      connectTo,
      ...peer,
      signal: controller.signal,
    });
    const whole = await readAnswer(answer);
    return { url, answer: { ...answer, chunks: [whole] } };
  } catch (error) {
    throw new Error(`failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
  }
}

export function slicesOf(lookup: Lookup, namespace: string, service: string): EndpointSlice[] {
  return lookup
    .list<EndpointSlice>('discovery.k8s.io', 'endpointslices', namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service);
}
