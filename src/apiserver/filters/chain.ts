/**
 * The way of every request, in upstream's order: request info, authentication, audit id, impersonation, flow control,
 * authorisation, then whoever answers. One function rather than a tower of them: the hot path pays for what it uses.
 */
import type { Clock } from '../../base/clock.ts';
import { type Random, randomUuid } from '../../base/random.ts';
import type { Handler, WatchFrame, WireHeaders, WireRequest, WireResponse } from '../../machinery/wire.ts';
import { type AuditSink, auditEvent } from '../audit/audit.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import { anonymousUser } from '../authn/users.ts';
import { type Authorizer, attributesOf, forbiddenError } from '../authz/authorizer.ts';
import type { ApiServerMetrics } from '../metrics/apiserver-metrics.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import { ChainContext } from './context.ts';
import { impersonate, wantsImpersonation } from './impersonation.ts';
import type { Flow, FlowControl } from '../flowcontrol/flow-control.ts';
import { isLongRunning } from './long-running.ts';
import {
  acceptsProtobuf,
  hasProtobufBody,
  prepareProtobuf,
  withJsonBody,
  withProtobufAnswer,
} from './protobuf-body.ts';
import { statusResponse, textResponse } from './status-response.ts';
import { withTimeout } from './timeout.ts';
import { warningHeaders } from './warning-header.ts';

export interface ChainParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly flowControl: FlowControl;
  /** Seats that a request takes: more than one for lists of many objects. */
  readonly seatsOf?: (context: RequestContext) => number;
  readonly metrics: ApiServerMetrics;
  readonly requestTimeoutMs: number;
  readonly audit?: AuditSink | undefined;
  /** Answers what another server serves, of the request as it came; undefined: it is ours. */
  readonly aggregate?: (context: RequestContext) => WireResponse | undefined;
  /** Resource and other requests, once they are allowed. */
  readonly answer: ContextHandler;
  /** Told of what ended as a 500. */
  readonly onError: (error: unknown, what: string) => void;
}

/** The whole chain as one handler. It never rejects: every failure is an answer. */
export function createChain(parts: ChainParts): Handler {
  const { clock, metrics } = parts;

  async function answer(context: ChainContext): Promise<WireResponse> {
    const elsewhere = parts.aggregate?.(context);
    if (elsewhere !== undefined) return elsewhere;
    if (hasProtobufBody(context)) context.request = await withJsonBody(context.request);
    if (acceptsProtobuf(context.request)) await prepareProtobuf();
    return parts.answer(context);
  }

  async function run(context: ChainContext): Promise<WireResponse> {
    const { info, request } = context;
    const user = parts.authenticator.authenticate(request);
    context.user = user instanceof Promise ? await user : user;
    if (request.frontProxy !== undefined) context.request = parts.authenticator.withoutCredentials(request);
    if (wantsImpersonation(request.headers)) {
      const impersonated = impersonate(context.user, request.headers, parts.authorizer);
      context.impersonator = context.user;
      context.user = impersonated;
    }
    const digest = { user: context.user, info };
    if (isLongRunning(info)) {
      if (info.verb === 'watch') context.flow = parts.flowControl.classify(digest);
      authorize(context);
      return whileOpen(await answer(context), request, metrics.longRunning(info));
    }
    const flow = parts.flowControl.classify(digest);
    context.flow = flow;
    const entered = parts.flowControl.enter(flow, digest, parts.seatsOf?.(context) ?? 1, request.signal);
    const admission = entered instanceof Promise ? await entered : entered;
    if ('refused' in admission) {
      metrics.rejected(info);
      return tooManyRequests();
    }
    metrics.began(info);
    try {
      authorize(context);
      return await withTimeout(clock, parts.requestTimeoutMs, answer(context));
    } finally {
      metrics.ended(info);
      admission.seat.leave();
    }
  }

  function authorize(context: ChainContext): void {
    const attributes = attributesOf(context.user, context.info, context.hasQuery ? context.query : undefined);
    const { decision, reason } = parts.authorizer.authorize(attributes);
    if (decision !== 'allow') throw forbiddenError(attributes, reason);
  }

  return async (request: WireRequest): Promise<WireResponse> => {
    const startedMs = clock.monotonicMs();
    const auditId = request.headers['audit-id'] ?? randomUuid(parts.random);
    let context: ChainContext | undefined;
    let response: WireResponse;
    try {
      context = new ChainContext(request, clock.now(), anonymousUser);
      response = await run(context);
    } catch (error) {
      response = statusResponse(error);
      if (response.status >= 500) parts.onError(error, `${request.method} ${request.url}`);
    }
    if (acceptsProtobuf(request)) response = await withProtobufAnswer(request, response);
    if (context !== undefined) {
      metrics.answered(context, response, clock.monotonicMs() - startedMs);
      if (parts.audit !== undefined) {
        const code = response.kind === 'proxy' ? 101 : response.status;
        const longRunning = isLongRunning(context.info);
        parts.audit.record(auditEvent(context, { auditId, code, longRunning, nowMs: clock.now() }));
      }
    }
    return withCommonHeaders(response, auditId, context?.warnings ?? [], context?.flow);
  };
}

const tooManyRequests = (): WireResponse =>
  textResponse(429, 'Too many requests, please try again later.\n', { 'retry-after': '1' });

/** Calls `over` once, when a long-running request has been served: its stream has ended, or the client has gone. */
function whileOpen(response: WireResponse, request: WireRequest, over: () => void): WireResponse {
  if (response.kind !== 'watch') {
    // Logs and connections are copied by the listener: they are over when it says that the request is.
    if (response.kind === 'proxy') request.signal.addEventListener('abort', over, { once: true });
    else over();
    return response;
  }
  const { frames } = response;
  const counted: AsyncIterable<readonly WatchFrame[]> = {
    [Symbol.asyncIterator]() {
      const inner = frames[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await inner.next();
            if (result.done) over();
            return result;
          } catch (error) {
            over();
            throw error;
          }
        },
        async return() {
          over();
          return (await inner.return?.()) ?? { done: true, value: undefined };
        },
      };
    },
  };
  return { ...response, frames: counted };
}

/** What every answer carries. A handler's own Cache-Control wins. */
function withCommonHeaders(
  response: WireResponse,
  auditId: string,
  warnings: readonly string[],
  flow: Flow | undefined,
): WireResponse {
  if (response.kind === 'proxy') return response;
  const headers: WireHeaders = {
    'audit-id': auditId,
    'cache-control': 'no-cache, private',
    ...(flow === undefined
      ? {}
      : {
          'x-kubernetes-pf-flowschema-uid': flow.schemaUid,
          'x-kubernetes-pf-prioritylevel-uid': flow.levelUid,
        }),
    ...response.headers,
    ...(warnings.length > 0 ? { warning: warningHeaders(warnings) } : {}),
  };
  return { ...response, headers };
}
