import type { RequestInfo } from '../request-context.ts';

const verbs = new Set(['watch', 'proxy']);
const subresources = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Requests that may last: neither timed out nor counted as in flight (upstream: BasicLongRunningRequestCheck). */
export function isLongRunning(info: RequestInfo): boolean {
  return info.isResourceRequest ? verbs.has(info.verb) || subresources.has(info.subresource) : false;
}
