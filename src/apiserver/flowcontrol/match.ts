/** Which FlowSchema a request belongs to (upstream: util/flowcontrol/rule.go). */
import type {
  FlowSchema,
  PolicyRulesWithSubjects,
  Subject,
} from '../../apis/generated/types/flowcontrol.apiserver.k8s.io/v1.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { RequestInfo } from '../request-context.ts';

export interface Digest {
  readonly user: UserInfo;
  readonly info: RequestInfo;
}

/** Lower precedence first, then by name: the first that matches decides. */
export function sortSchemas(schemas: readonly FlowSchema[]): FlowSchema[] {
  return [...schemas].sort(
    (a, b) =>
      (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
      (a.metadata.name! < b.metadata.name! ? -1 : 1),
  );
}

export function schemaMatches(schema: FlowSchema, digest: Digest): boolean {
  return (schema.spec?.rules ?? []).some((rule) => ruleMatches(rule, digest));
}

/** What tells flows of a schema apart: the user, the namespace, or nothing. */
export function distinguisherOf(schema: FlowSchema, { user, info }: Digest): string {
  switch (schema.spec?.distinguisherMethod?.type) {
    case 'ByUser':
      return user.username;
    case 'ByNamespace':
      return info.namespace;
    default:
      return '';
  }
}

function ruleMatches(rule: PolicyRulesWithSubjects, { user, info }: Digest): boolean {
  if (!rule.subjects.some((subject) => subjectMatches(subject, user))) return false;
  if (!info.isResourceRequest)
    return (rule.nonResourceRules ?? []).some(
      ({ verbs, nonResourceURLs }) =>
        includes(verbs, info.verb) && nonResourceURLs.some((url) => urlMatches(url, info.path)),
    );
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (rule.resourceRules ?? []).some(
    (r) =>
      includes(r.verbs, info.verb) &&
      includes(r.apiGroups, info.apiGroup) &&
      includes(r.resources, resource) &&
      (info.namespace === '' ? r.clusterScope === true : includes(r.namespaces ?? [], info.namespace)),
  );
}

const includes = (items: readonly string[], wanted: string) => items.includes('*') || items.includes(wanted);

/** `/healthz`, `/healthz/*`, `*`. */
function urlMatches(rule: string, path: string): boolean {
  if (rule === '*' || rule === path) return true;
  const prefix = rule.replace(/\*$/, '');
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

const accountPrefix = 'system:serviceaccount:';

function subjectMatches(subject: Subject, { username, groups }: UserInfo): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === username;
    case 'Group':
      return subject.group?.name === '*' || groups.includes(subject.group?.name ?? '');
    case 'ServiceAccount': {
      const { namespace, name } = subject.serviceAccount ?? {};
      if (name === '*') return username.startsWith(`${accountPrefix}${namespace}:`);
      return username === `${accountPrefix}${namespace}:${name}`;
    }
    default:
      return false;
  }
}
