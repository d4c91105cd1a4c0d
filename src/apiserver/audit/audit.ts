/** What is told of each answered request (audit.k8s.io/v1 Event at level Metadata). Policies and backends take it from here. */
import type { UserInfo } from '../../machinery/wire.ts';
import type { ChainContext } from '../filters/context.ts';

export interface AuditEvent {
  readonly auditID: string;
  /** Long-running requests are told of when they begin. */
  readonly stage: 'ResponseStarted' | 'ResponseComplete';
  readonly requestURI: string;
  readonly verb: string;
  /** Who asked, before impersonation. */
  readonly user: UserInfo;
  readonly impersonatedUser?: UserInfo;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly apiVersion: string;
    readonly subresource?: string;
  };
  readonly responseStatus: { readonly code: number };
  /** RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  /** By admission plugins and webhooks. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AuditSink {
  /** Called on the way of the answer: must neither throw nor wait. */
  record(event: AuditEvent): void;
}

const microTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');

export function auditEvent(
  context: ChainContext,
  about: { readonly auditId: string; readonly code: number; readonly longRunning: boolean; readonly nowMs: number },
): AuditEvent {
  const { info, request } = context;
  return {
    auditID: about.auditId,
    stage: about.longRunning ? 'ResponseStarted' : 'ResponseComplete',
    requestURI: request.url,
    verb: info.verb,
    user: context.impersonator ?? context.user,
    ...(context.impersonator === undefined ? {} : { impersonatedUser: context.user }),
    sourceIPs: request.remoteAddress === undefined ? [] : [request.remoteAddress],
    userAgent: request.headers['user-agent'] ?? '',
    ...(info.isResourceRequest
      ? {
          objectRef: {
            resource: info.resource,
            ...(info.namespace === '' ? {} : { namespace: info.namespace }),
            ...(info.name === '' ? {} : { name: info.name }),
            ...(info.apiGroup === '' ? {} : { apiGroup: info.apiGroup }),
            apiVersion: info.apiVersion,
            ...(info.subresource === '' ? {} : { subresource: info.subresource }),
          },
        }
      : {}),
    responseStatus: { code: about.code },
    requestReceivedTimestamp: microTime(context.receivedMs),
    stageTimestamp: microTime(about.nowMs),
    ...(context.auditAnnotations === undefined ? {} : { annotations: context.auditAnnotations }),
  };
}
