/** Who may do what: the question, the answer, and how upstream words a refusal. */
import { newForbidden } from '../../machinery/status/errors.ts';
import { goQuote } from '../../machinery/go-quote.ts';
import type { StatusError } from '../../machinery/status/status.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { RequestInfo } from '../request-context.ts';
import { exactField } from '../filters/request-info.ts';

/** What is asked (upstream: authorizer.Attributes). */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly path: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What the request's field selector demands of `spec.nodeName`, for the Node authorizer. */
  readonly nodeNameSelector?: string | undefined;
}

/** `noOpinion`: the next authorizer is asked; after the last one it is a refusal. */
export interface Decision {
  readonly decision: 'allow' | 'deny' | 'noOpinion';
  /** '' when there is none. */
  readonly reason: string;
}

/** Decides at once, from caches. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision;
}

export const noOpinion: Decision = { decision: 'noOpinion', reason: '' };

export function attributesOf(
  user: UserInfo,
  info: RequestInfo,
  query: URLSearchParams | undefined,
): AuthorizationAttributes {
  return {
    user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    path: info.path,
    apiGroup: info.apiGroup,
    apiVersion: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    nodeNameSelector: query === undefined ? undefined : exactField(query.get('fieldSelector'), 'spec.nodeName'),
  };
}

/** Asks one after the other until one allows or denies; reasons of those without an opinion are joined. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(attributes) {
      let reason = '';
      for (const authorizer of authorizers) {
        const answer = authorizer.authorize(attributes);
        if (answer.decision !== 'noOpinion') return answer;
        if (answer.reason !== '') reason = reason === '' ? answer.reason : `${reason}\n${answer.reason}`;
      }
      return { decision: 'noOpinion', reason };
    },
  };
}

/** system:masters may do everything, whatever RBAC says: the way back in after a mistake. */
export const privilegedGroupAuthorizer: Authorizer = {
  authorize: ({ user }) => (user.groups.includes('system:masters') ? { decision: 'allow', reason: '' } : noOpinion),
};

export const alwaysAllow: Authorizer = { authorize: () => ({ decision: 'allow', reason: '' }) };

/** The 403 of a request. */
export function forbiddenError(attributes: AuthorizationAttributes, reason: string): StatusError {
  const message = forbiddenMessage(attributes);
  return newForbidden(
    { group: attributes.apiGroup, resource: attributes.resource },
    attributes.name,
    reason === '' ? message : `${message}: ${reason}`,
  );
}

function forbiddenMessage(a: AuthorizationAttributes): string {
  const user = goQuote(a.user.username);
  if (!a.isResourceRequest) return `User ${user} cannot ${a.verb} path ${goQuote(a.path)}`;
  const resource = goQuote(a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`);
  const where = a.namespace === '' ? 'at the cluster scope' : `in the namespace ${goQuote(a.namespace)}`;
  return `User ${user} cannot ${a.verb} resource ${resource} in API group ${goQuote(a.apiGroup)} ${where}`;
}
