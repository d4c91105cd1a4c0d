/** What kind of failure an error is. The reason decides; the code stands in only where the reason is unknown. */
import { type StatusCause, StatusError, type StatusReason } from './status.ts';

/** The StatusError that `error` is or was caused by. */
export function statusErrorOf(error: unknown): StatusError | undefined {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof StatusError) return e;
  return undefined;
}

/** Undefined for errors that carry no Status. */
export function reasonForError(error: unknown): StatusReason | undefined {
  return statusErrorOf(error)?.status.reason;
}

const is = (reason: StatusReason, code?: number) => (error: unknown) => {
  const status = statusErrorOf(error)?.status;
  if (status === undefined) return false;
  if (status.reason !== undefined) return status.reason === reason;
  return code !== undefined && status.code === code;
};

export const isNotFound = is('NotFound', 404);
export const isAlreadyExists = is('AlreadyExists');
export const isConflict = is('Conflict', 409);
export const isInvalid = is('Invalid', 422);
export const isGone = is('Gone', 410);
export const isExpired = is('Expired');
export const isNotAcceptable = is('NotAcceptable', 406);
export const isUnsupportedMediaType = is('UnsupportedMediaType', 415);
export const isMethodNotSupported = is('MethodNotAllowed', 405);
export const isServiceUnavailable = is('ServiceUnavailable', 503);
export const isBadRequest = is('BadRequest', 400);
export const isUnauthorized = is('Unauthorized', 401);
export const isForbidden = is('Forbidden', 403);
export const isTimeout = is('Timeout', 504);
export const isServerTimeout = is('ServerTimeout');
export const isInternalError = is('InternalError', 500);

/** The code counts here whatever the reason. */
export const isTooManyRequests = (error: unknown): boolean => statusErrorOf(error)?.status.code === 429;
export const isRequestEntityTooLarge = (error: unknown): boolean => statusErrorOf(error)?.status.code === 413;

/** True when the resourceVersion is too old, in either of upstream's spellings: list again. */
export const isResourceExpired = (error: unknown): boolean => isExpired(error) || isGone(error);

/** The first cause of that type, e.g. `NamespaceTerminating`. */
export function statusCause(error: unknown, reason: string): StatusCause | undefined {
  return statusErrorOf(error)?.status.details?.causes?.find((cause) => cause.reason === reason);
}

/** Seconds the server asks to wait before another try; undefined when it does not. */
export function suggestsClientDelay(error: unknown): number | undefined {
  const status = statusErrorOf(error)?.status;
  if (status?.details === undefined) return undefined;
  const seconds = status.details.retryAfterSeconds ?? 0;
  return status.reason === 'ServerTimeout' || seconds > 0 ? seconds : undefined;
}
