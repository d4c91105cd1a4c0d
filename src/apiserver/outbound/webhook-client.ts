/** Asks webhooks: one JSON document posted, one answered. For admission and for conversion of custom resources. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { decodeText, parseJson } from '../../machinery/codec/json.ts';
import { newGenericServerResponse, newServiceUnavailable } from '../../machinery/status/errors.ts';
import { statusErrorOf } from '../../machinery/status/is.ts';
import { type Status, StatusError } from '../../machinery/status/status.ts';
import type { Lookup } from '../registry/registry.ts';
import { type Outbound, type OutboundCall, readAnswer } from './outbound.ts';
import { serviceEndpoint } from './service-endpoint.ts';

/** admissionregistration.k8s.io/v1 and apiextensions.k8s.io/v1 WebhookClientConfig. */
export interface WebhookClientConfig {
  readonly url?: string | undefined;
  readonly service?:
    | {
        readonly namespace: string;
        readonly name: string;
        readonly path?: string | undefined;
        readonly port?: number | undefined;
      }
    | undefined;
  /** PEM in base64. */
  readonly caBundle?: string | undefined;
}

export interface WebhookClientDependencies {
  readonly outbound: Outbound;
  readonly lookup: () => Lookup;
  readonly random: Random;
  readonly clock: Clock;
}

export interface WebhookCall {
  readonly config: WebhookClientConfig;
  /** JSON. */
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  /** The request that the webhook is asked for: its end ends the call. */
  readonly signal?: AbortSignal;
}

/** As Go's client says it, and as the webhook's failure is counted. */
export class WebhookCallError extends Error {
  /** Of the answer, where there was one; else 503. */
  readonly code: number;

  constructor(message: string, code: number, cause: unknown) {
    super(message, { cause });
    this.name = 'WebhookCallError';
    this.code = code;
  }
}

const deadlineExceeded = 'context deadline exceeded';
const defaultPort = 443;

export class WebhookClient {
  readonly #dependencies: WebhookClientDependencies;

  constructor(dependencies: WebhookClientDependencies) {
    this.#dependencies = dependencies;
  }

  /** The parsed answer. Rejects with a WebhookCallError. */
  async post({ config, body, timeoutMs, signal }: WebhookCall): Promise<unknown> {
    const url = `${baseUrl(config)}?timeout=${Math.ceil(timeoutMs / 1000)}s`;
    const controller = new AbortController();
    const timer = this.#dependencies.clock.after(
      timeoutMs,
      () => controller.abort(new Error(deadlineExceeded)),
      'webhook timeout',
    );
    const gone = () => controller.abort(new Error('context canceled'));
    signal?.addEventListener('abort', gone, { once: true });
    let status: number;
    let answered: Uint8Array;
    try {
      const answer = await this.#dependencies.outbound(this.#call(config, url, body, controller.signal));
      status = answer.status;
      answered = await readAnswer(answer);
    } catch (error) {
      const why = controller.signal.aborted ? messageOf(controller.signal.reason) : messageOf(error);
      throw new WebhookCallError(`Post ${JSON.stringify(url)}: ${why}`, 503, error);
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', gone);
    }
    return read(status, answered);
  }

  #call(config: WebhookClientConfig, url: string, body: Uint8Array, signal: AbortSignal): OutboundCall {
    const { service, caBundle } = config;
    const call = {
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, */*', 'user-agent': userAgent },
      body,
      signal,
      ...(caBundle ? { caPem: decodeBase64(caBundle) } : {}),
    };
    if (service === undefined) return call;
    const { lookup, random } = this.#dependencies;
    const connectTo = serviceEndpoint(
      { lookup: lookup(), random },
      service.namespace,
      service.name,
      service.port ?? defaultPort,
    );
    return { ...call, connectTo, serverName: `${service.name}.${service.namespace}.svc` };
  }
}

const userAgent = 'kube-apiserver-admission';

function baseUrl({ url, service }: WebhookClientConfig): string {
  if (service === undefined) return url ?? '';
  const { namespace, name, path = '', port = defaultPort } = service;
  const slash = path === '' || path.startsWith('/') ? '' : '/';
  return `https://${name}.${namespace}.svc:${port}${slash}${path}`;
}

/** A 2xx answer's JSON; anything else as Go's client reads it: a Status where the body is one. */
function read(status: number, body: Uint8Array): unknown {
  if (status >= 200 && status <= 206) {
    try {
      return parseJson(body).value;
    } catch (error) {
      throw new WebhookCallError(messageOf(error), 503, error);
    }
  }
  const told = statusIn(body);
  const failed =
    told ?? newGenericServerResponse(status, 'post', { group: '', resource: '' }, '', decodeText(body), 0, true);
  throw new WebhookCallError(failed.message, failed.code, failed);
}

function statusIn(body: Uint8Array): StatusError | undefined {
  try {
    const value = parseJson(body).value as Partial<Status> | null;
    return value?.kind === 'Status' && value.status === 'Failure' ? new StatusError(value as Status) : undefined;
  } catch {
    return undefined;
  }
}

function decodeBase64(text: string): string {
  try {
    return atob(text);
  } catch (error) {
    throw newServiceUnavailable(`caBundle: ${messageOf(error)}`);
  }
}

/** The failure as a Status for clients that are told no more: what a StatusError says, else 503. */
export const webhookFailureStatus = (error: unknown): StatusError =>
  statusErrorOf(error) ?? newServiceUnavailable('error calling webhook');
