import { newMethodNotSupported, newNotAcceptable } from '../../machinery/status/errors.ts';
import type { RequestContext } from '../request-context.ts';
import { negotiate, objectMediaTypes } from './negotiate.ts';

/**
 * Reviews are asked by POST and never kept: they have no other verb, and no Table or metadata to be answered as. Throws
 * StatusError 405 and 406.
 */
export function requireReview({ info, request }: RequestContext): void {
  if (info.verb !== 'create') throw newMethodNotSupported({ group: info.apiGroup, resource: info.resource }, info.verb);
  if (negotiate(request.headers['accept']).as !== 'object') throw newNotAcceptable(objectMediaTypes);
}
