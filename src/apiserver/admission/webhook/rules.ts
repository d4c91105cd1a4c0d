/** Which requests a rule is about (admissionregistration.k8s.io RuleWithOperations). Admission policies use the same. */
import type { Operation } from '../plugin.ts';

export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  /** `pods`, `pods/status`, `*`, `pods/*`, any resource's `scale`. A resource alone is not its sub-resources. */
  readonly resources?: readonly string[];
  readonly scope?: string;
}

/** What of a request rules look at. */
export interface RuleSubject {
  readonly operation: Operation;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
}

export function ruleMatches(rule: Rule, subject: RuleSubject): boolean {
  return (
    scopeMatches(rule.scope, subject) &&
    includes(rule.operations, subject.operation) &&
    includes(rule.apiGroups, subject.group) &&
    includes(rule.apiVersions, subject.version) &&
    (rule.resources ?? []).some((text) => resourceMatches(text, subject))
  );
}

const includes = (items: readonly string[] | undefined, wanted: string) =>
  (items ?? []).some((item) => item === '*' || item === wanted);

function scopeMatches(scope: string | undefined, { group, version, resource, namespace }: RuleSubject): boolean {
  if (scope === undefined || scope === '*') return true;
  // A Namespace lives in no namespace, though its requests name one.
  const clusterScoped = namespace === '' || (group === '' && version === 'v1' && resource === 'namespaces');
  return scope === (clusterScoped ? 'Cluster' : 'Namespaced');
}

function resourceMatches(text: string, { resource, subresource }: RuleSubject): boolean {
  const slash = text.indexOf('/');
  const wantedResource = slash < 0 ? text : text.slice(0, slash);
  const wantedSubresource = slash < 0 ? '' : text.slice(slash + 1);
  return (
    (wantedResource === '*' || wantedResource === resource) &&
    (wantedSubresource === '*' || wantedSubresource === subresource)
  );
}
