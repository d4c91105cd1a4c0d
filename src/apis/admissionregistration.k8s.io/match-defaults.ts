import type { MatchResources } from '../generated/types/admissionregistration.k8s.io/v1.ts';

/** What a policy or its binding is for. */
export function defaultMatch(match: MatchResources): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}
