/** Bodies of resources that are never stored: reviews and token requests. */
import { newBadRequest, newUnsupportedMediaType } from '../../machinery/status/errors.ts';
import type { RequestContext } from '../request-context.ts';

/** The decoded body. Throws a StatusError: 415 for what is no JSON, 400 for another kind or version than the path's. */
export function virtualBody<T>(context: RequestContext, kind: string): T {
  const { request, info } = context;
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== '' && type !== 'application/json') throw newUnsupportedMediaType(['application/json']);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    throw newBadRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw newBadRequest(`the object provided is unrecognized (must be of type ${kind}): it is no JSON object`);
  const body = value as { kind?: unknown; apiVersion?: unknown };
  // A sub-resource's body may be of a group of its own (TokenRequest), which the path does not say.
  const expected = info.apiGroup === '' ? info.apiVersion : `${info.apiGroup}/${info.apiVersion}`;
  const wrongKind = body.kind !== undefined && body.kind !== kind;
  const wrongVersion = info.subresource === '' && body.apiVersion !== undefined && body.apiVersion !== expected;
  if (wrongKind || wrongVersion)
    throw newBadRequest(
      `${kind} in version "${info.apiVersion}" cannot be handled as a ${kind}: got ${String(body.kind)} of ${String(body.apiVersion)}, expected ${kind} of ${expected}`,
    );
  return value as T;
}
