/** PolicyRules (rbac.authorization.k8s.io/v1): matching, and covering of one set of rules by another. */
import type { AuthorizationAttributes } from './authorizer.ts';

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** Rules by verb, so that a decision looks only at those that can match. */
export class CompiledRules {
  readonly rules: readonly PolicyRule[];
  readonly #byVerb = new Map<string, PolicyRule[]>();
  readonly #anyVerb: PolicyRule[] = [];

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    for (const rule of rules) {
      if (rule.verbs.includes('*')) this.#anyVerb.push(rule);
      else
        for (const verb of rule.verbs) {
          const list = this.#byVerb.get(verb);
          if (list) list.push(rule);
          else this.#byVerb.set(verb, [rule]);
        }
    }
  }

  allow(attributes: AuthorizationAttributes): boolean {
    for (const rule of this.#anyVerb) if (ruleMatches(rule, attributes)) return true;
    const candidates = this.#byVerb.get(attributes.verb);
    if (candidates !== undefined) for (const rule of candidates) if (ruleMatches(rule, attributes)) return true;
    return false;
  }
}

/** Whether a rule whose verb fits covers the rest of the question. */
function ruleMatches(rule: PolicyRule, a: AuthorizationAttributes): boolean {
  if (!a.isResourceRequest) return nonResourceMatches(rule.nonResourceURLs ?? [], a.path);
  const { apiGroups, resources, resourceNames } = rule;
  if (apiGroups === undefined || !(apiGroups.includes(a.apiGroup) || apiGroups.includes('*'))) return false;
  if (resources === undefined || !resourceMatches(resources, a.resource, a.subresource)) return false;
  return resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(a.name);
}

function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === '') return resources.includes(resource) || resources.includes('*');
  const combined = `${resource}/${subresource}`;
  return resources.includes('*') || resources.includes(combined) || resources.includes(`*/${subresource}`);
}

function nonResourceMatches(urls: readonly string[], path: string): boolean {
  for (const url of urls) {
    if (url === '*' || url === path) return true;
    if (url.endsWith('*') && path.startsWith(url.slice(0, -1).replace(/\*+$/, ''))) return true;
  }
  return false;
}

/** A rule about one verb on one thing: what rules are broken down to before they are compared. */
function* breakdown(rule: PolicyRule): Iterable<PolicyRule> {
  for (const verb of rule.verbs) {
    for (const group of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? [])
        for (const name of rule.resourceNames?.length ? rule.resourceNames : [undefined])
          yield {
            verbs: [verb],
            apiGroups: [group],
            resources: [resource],
            ...(name === undefined ? {} : { resourceNames: [name] }),
          };
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] };
  }
}

/** The parts of `wanted` that `owned` does not cover; empty: whoever owns the one may hand out the other. */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const out: PolicyRule[] = [];
  for (const rule of wanted)
    for (const part of breakdown(rule)) if (!owned.some((o) => covers(o, part))) out.push(part);
  return out;
}

function covers(owner: PolicyRule, part: PolicyRule): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    list !== undefined && (list.includes('*') || list.includes(value));
  if (!has(owner.verbs, part.verbs[0]!)) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return nonResourceMatches(owner.nonResourceURLs ?? [], url);
  if (!has(owner.apiGroups, part.apiGroups![0]!)) return false;
  const [resource = '', subresource = ''] = part.resources![0]!.split('/', 2);
  if (!resourceMatches(owner.resources ?? [], resource, subresource)) return false;
  if (!owner.resourceNames?.length) return true;
  return part.resourceNames !== undefined && owner.resourceNames.includes(part.resourceNames[0]!);
}

/** A rule in upstream's compact form, for messages: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function compactRule(rule: PolicyRule): string {
  const list = (name: string, values: readonly string[] | undefined) =>
    values?.length ? [`${name}:[${values.map((v) => JSON.stringify(v)).join(' ')}]`] : [];
  return `{${[
    ...list('APIGroups', rule.apiGroups),
    ...list('Resources', rule.resources),
    ...list('NonResourceURLs', rule.nonResourceURLs),
    ...list('ResourceNames', rule.resourceNames),
    ...list('Verbs', rule.verbs),
  ].join(', ')}}`;
}
