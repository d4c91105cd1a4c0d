/** What a URL asks for, by upstream's rules (apiserver/pkg/endpoints/request RequestInfoFactory). */
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { RequestInfo } from '../request-context.ts';

const verbOfMethod: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Below `/namespaces/NAME/` these are sub-resources of the Namespace itself; anything else is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/**
 * `query` is asked for only where the verb depends on it (list, watch). Throws a StatusError 400 when the path has
 * broken escapes.
 */
export function parseRequestInfo(method: string, rawPath: string, query: () => URLSearchParams): RequestInfo {
  const path = rawPath.includes('%') ? unescapePath(rawPath) : rawPath;
  let parts = path.split('/').filter((part, i, all) => part !== '' || (i > 0 && i < all.length - 1));
  const nonResource = (apiPrefix = ''): RequestInfo => ({
    isResourceRequest: false,
    path,
    verb: method.toLowerCase(),
    apiPrefix,
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: [],
  });

  const apiPrefix = parts[0] ?? '';
  if (parts.length < 3 || (apiPrefix !== 'api' && apiPrefix !== 'apis')) return nonResource();
  parts = parts.slice(1);
  let apiGroup = '';
  if (apiPrefix === 'apis') {
    if (parts.length < 3) return nonResource(apiPrefix);
    apiGroup = parts[0]!;
    parts = parts.slice(1);
  }
  const apiVersion = parts[0]!;
  parts = parts.slice(1);

  let verb = verbOfMethod[method] ?? '';
  // The deprecated forms /api/v1/watch/... and /api/v1/proxy/...
  if (parts[0] === 'watch' || parts[0] === 'proxy') {
    if (parts.length < 2) throw newBadRequest('unable to determine kind and namespace from url');
    verb = parts[0];
    parts = parts.slice(1);
  }

  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !namespaceSubresources.has(parts[2]!)) parts = parts.slice(2);
  }
  const resource = parts[0] ?? '';
  let name = parts[1] ?? '';
  const subresource = verb === 'proxy' ? '' : (parts[2] ?? '');

  if (name === '' && verb === 'get') {
    const q = query();
    verb = isTrue(q.get('watch')) ? 'watch' : 'list';
    name = exactName(q.get('fieldSelector')) ?? '';
  } else if (name === '' && verb === 'watch') {
    name = exactName(query().get('fieldSelector')) ?? '';
  } else if (name === '' && verb === 'delete') {
    verb = 'deletecollection';
  }
  return {
    isResourceRequest: true,
    path,
    verb,
    apiPrefix,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    parts,
  };
}

/** Query booleans: present and neither "false" nor "0" (apimachinery's conversion of strings to bool). */
export function isTrue(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}

function unescapePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw newBadRequest(`invalid URL escape in path "${path}"`);
  }
}

/** The name that `metadata.name=x` pins, when it may be part of a path. */
function exactName(fieldSelector: string | null): string | undefined {
  return exactField(fieldSelector, 'metadata.name', (v) => !/[/%]/.test(v) && v !== '.' && v !== '..');
}

/** The value that a field selector demands of `field` by `=` or `==`; undefined when it demands none. */
export function exactField(
  fieldSelector: string | null,
  field: string,
  accept: (value: string) => boolean = () => true,
): string | undefined {
  if (!fieldSelector) return undefined;
  for (const term of fieldSelector.split(',')) {
    const [, label, escaped] = /^\s*([^=!]+)==?([^=].*|)$/.exec(term) ?? [];
    if (label?.trim() === field && escaped !== undefined) {
      const value = escaped.replace(/\\([\\,=])/g, '$1');
      if (value !== '' && accept(value)) return value;
    }
  }
  return undefined;
}
