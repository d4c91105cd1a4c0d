/** Builders of every failure the API server answers with, named as upstream's New... functions. */
import { goQuote } from '../go-quote.ts';
import { type FieldError, fieldErrorText } from '../validation/field-error.ts';
import { failure, type StatusCause, type StatusError, type StatusReason } from './status.ts';

export interface GroupResource {
  readonly group: string;
  /** Plural; kinds stand in where upstream has only those. */
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** `deployments.apps`; `pods` for the core group. */
export function groupResourceText(gr: GroupResource): string {
  return gr.group === '' ? gr.resource : `${gr.resource}.${gr.group}`;
}

const detailsOf = (gr: GroupResource, name?: string) => ({ group: gr.group, kind: gr.resource, name: name ?? '' });

export const newNotFound = (gr: GroupResource, name: string): StatusError =>
  failure(404, 'NotFound', `${groupResourceText(gr)} ${goQuote(name)} not found`, detailsOf(gr, name));

/** The path itself is unknown: what upstream answers for unserved resources. */
export const newPathNotFound = (): StatusError =>
  failure(404, 'NotFound', 'the server could not find the requested resource', {});

export const newAlreadyExists = (gr: GroupResource, name: string): StatusError =>
  failure(409, 'AlreadyExists', `${groupResourceText(gr)} ${goQuote(name)} already exists`, detailsOf(gr, name));

export const newGenerateNameConflict = (gr: GroupResource, name: string, retryAfterSeconds: number): StatusError =>
  failure(
    409,
    'AlreadyExists',
    `${groupResourceText(gr)} ${goQuote(name)} already exists, the server was not able to generate a unique name for the object`,
    { ...detailsOf(gr, name), retryAfterSeconds },
  );

export const newUnauthorized = (reason = ''): StatusError =>
  failure(401, 'Unauthorized', reason === '' ? 'not authorized' : reason);

export function newForbidden(gr: GroupResource, name: string, why: string): StatusError {
  const what = groupResourceText(gr);
  let message = `${what} ${goQuote(name)} is forbidden: ${why}`;
  if (gr.resource === '' && gr.group === '') message = `forbidden: ${why}`;
  else if (name === '') message = `${what} is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, detailsOf(gr, name));
}

/** The text of the conflict that a stale resourceVersion meets (apiserver registry/generic). */
export const optimisticLockMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export const newConflict = (gr: GroupResource, name: string, why: string = optimisticLockMessage): StatusError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${groupResourceText(gr)} ${goQuote(name)}: ${why}`,
    detailsOf(gr, name),
  );

export const newApplyConflict = (causes: readonly StatusCause[], message: string): StatusError =>
  failure(409, 'Conflict', message, { causes });

export const newGone = (message: string): StatusError => failure(410, 'Gone', message);

/** The resourceVersion or continue token asked for has left the history. */
export const newExpired = (message: string): StatusError => failure(410, 'Expired', message);

export function newInvalid(gk: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const head = `${groupResourceText({ group: gk.group, resource: gk.kind })} ${goQuote(name)} is invalid`;
  return failure(422, 'Invalid', errors.length === 0 ? head : `${head}: ${aggregateText(errors)}`, {
    group: gk.group,
    kind: gk.kind,
    name,
    causes: errors.map((e) => ({ reason: e.type, message: e.body, field: e.field })),
  });
}

/** Several errors as Go's aggregate prints them: one alone, more in brackets; repeated texts once. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

export const newBadRequest = (reason: string): StatusError => failure(400, 'BadRequest', reason);

/** The message goes out as it is. */
export const newTooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  failure(429, 'TooManyRequests', message, { retryAfterSeconds });

export const newTooManyRequestsError = (message: string): StatusError =>
  failure(429, 'TooManyRequests', `Too many requests: ${message}`);

export const newServiceUnavailable = (reason: string): StatusError => failure(503, 'ServiceUnavailable', reason);

export const newMethodNotSupported = (gr: GroupResource, action: string): StatusError =>
  failure(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${goQuote(groupResourceText(gr))}`,
    detailsOf(gr),
  );

export const newServerTimeout = (gr: GroupResource, operation: string, retryAfterSeconds: number): StatusError =>
  failure(
    500,
    'ServerTimeout',
    `The ${operation} operation against ${groupResourceText(gr)} could not be completed at this time, please try again.`,
    { ...detailsOf(gr, operation), retryAfterSeconds },
  );

export const newInternalError = (message: string): StatusError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

export const newTimeout = (message: string, retryAfterSeconds = 0): StatusError =>
  failure(504, 'Timeout', `Timeout: ${message}`, { retryAfterSeconds });

export const newRequestEntityTooLarge = (message: string): StatusError =>
  failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);

/** No route of this path takes the method: said before any handler of a resource is asked. */
export const newRouteMethodNotAllowed = (): StatusError =>
  failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** No route takes a body of this type: said before any handler of a resource is asked. */
export const newRouteUnsupportedMediaType = (): StatusError =>
  failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});

/** `accepted`: the media types of bodies (apiserver handlers/negotiation). */
export const newUnsupportedMediaType = (accepted: readonly string[]): StatusError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const newNotAcceptable = (accepted: readonly string[]): StatusError =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

/** What a client makes of an answer that is no Status. `verb` is the HTTP method. */
export function newGenericServerResponse(
  code: number,
  verb: string,
  gr: GroupResource,
  name: string,
  serverMessage: string,
  retryAfterSeconds = 0,
  isUnexpectedResponse = true,
): StatusError {
  let [reason, message] = genericAnswer(code, verb, serverMessage);
  const what = groupResourceText(gr);
  if (what !== '') message += ` (${[verb.toLowerCase(), what, ...(name === '' ? [] : [name])].join(' ')})`;
  const causes = isUnexpectedResponse ? [{ reason: 'UnexpectedServerResponse', message: serverMessage }] : [];
  return failure(code, reason, message, { ...detailsOf(gr, name), causes, retryAfterSeconds });
}

function genericAnswer(code: number, verb: string, serverMessage: string): [StatusReason | undefined, string] {
  switch (code) {
    case 400:
      return ['BadRequest', 'the server rejected our request for an unknown reason'];
    case 401:
      return ['Unauthorized', 'the server has asked for the client to provide credentials'];
    case 403:
      return ['Forbidden', serverMessage];
    case 404:
      return ['NotFound', 'the server could not find the requested resource'];
    case 405:
      return ['MethodNotAllowed', 'the server does not allow this method on the requested resource'];
    case 406:
      return [
        'NotAcceptable',
        serverMessage === '' || serverMessage === 'unknown'
          ? 'the server was unable to respond with a content type that the client supports'
          : serverMessage,
      ];
    case 409:
      return [verb.toUpperCase() === 'POST' ? 'AlreadyExists' : 'Conflict', 'the server reported a conflict'];
    case 415:
      return ['UnsupportedMediaType', serverMessage];
    case 422:
      return ['Invalid', 'the server rejected our request due to an error in our request'];
    case 429:
      return ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'];
    case 503:
      return ['ServiceUnavailable', 'the server is currently unable to handle the request'];
    case 504:
      return [
        'Timeout',
        'the server was unable to return a response in the time allotted, but may still be processing the request',
      ];
  }
  if (code >= 500)
    return [
      'InternalError',
      `an error on the server (${goQuote(serverMessage)}) has prevented the request from succeeding`,
    ];
  return [undefined, `the server responded with the status code ${code} but did not return more information`];
}
