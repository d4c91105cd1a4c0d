/** Impersonate-User, -Group, -Uid and -Extra-*: acting as somebody else, each part allowed by the verb `impersonate`. */
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import {
  allAuthenticated,
  allUnauthenticated,
  anonymousName,
  serviceAccountGroups,
  splitServiceAccountUsername,
} from '../authn/users.ts';
import { type AuthorizationAttributes, type Authorizer, forbiddenError } from '../authz/authorizer.ts';

const extraPrefix = 'impersonate-extra-';

type Headers = Readonly<Record<string, string | undefined>>;

/** True when the request carries any of the headers: asked of every request, so it looks at names alone. */
export function wantsImpersonation(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

/** The impersonated user. Throws a StatusError 403 for a part that `user` may not take on, 400 without a user name. */
export function impersonate(user: UserInfo, headers: Headers, authorizer: Authorizer): UserInfo {
  const username = headers['impersonate-user'];
  if (!username)
    throw newBadRequest('requested impersonation without impersonating a user: Impersonate-User is missing');
  const groups = headerValues(headers['impersonate-group']);
  const uid = headers['impersonate-uid'];
  const extra = extraOf(headers);

  const serviceAccount = splitServiceAccountUsername(username);
  if (serviceAccount !== undefined) check(user, authorizer, { resource: 'serviceaccounts', ...serviceAccount });
  else check(user, authorizer, { resource: 'users', name: username });
  for (const group of groups) check(user, authorizer, { resource: 'groups', name: group });
  if (uid) check(user, authorizer, { apiGroup: 'authentication.k8s.io', resource: 'uids', name: uid });
  for (const [key, values] of Object.entries(extra))
    for (const name of values)
      check(user, authorizer, { apiGroup: 'authentication.k8s.io', resource: 'userextras', subresource: key, name });

  return {
    username,
    ...(uid ? { uid } : {}),
    groups: withImplied(username, groups, serviceAccount?.namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Named groups, or those of a ServiceAccount; and always the one that says whether somebody is authenticated. */
function withImplied(username: string, groups: string[], serviceAccountNamespace: string | undefined): string[] {
  const all = [...groups];
  if (groups.length === 0 && serviceAccountNamespace !== undefined)
    all.push(...serviceAccountGroups(serviceAccountNamespace));
  const implied = username === anonymousName ? allUnauthenticated : allAuthenticated;
  if (!all.includes(allUnauthenticated) && !all.includes(implied)) all.push(implied);
  return all;
}

function check(
  user: UserInfo,
  authorizer: Authorizer,
  what: { apiGroup?: string; resource: string; subresource?: string; namespace?: string; name: string },
): void {
  const attributes: AuthorizationAttributes = {
    user,
    verb: 'impersonate',
    isResourceRequest: true,
    path: '',
    apiGroup: '',
    apiVersion: what.apiGroup === undefined ? '' : 'v1',
    subresource: '',
    namespace: '',
    ...what,
  };
  const { decision, reason } = authorizer.authorize(attributes);
  if (decision !== 'allow') throw forbiddenError(attributes, reason);
}

/** Repeated headers arrive joined by ", ". */
function headerValues(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/,\s+/).filter((v) => v !== '');
}

/** Keys are lower case (HTTP folds them) with percent escapes for what a header name cannot hold. */
function extraOf(headers: Headers): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    let key = name.slice(extraPrefix.length);
    try {
      key = decodeURIComponent(key);
    } catch {
      // Upstream takes a key with broken escapes as it is.
    }
    extra[key] = headerValues(value);
  }
  return extra;
}
