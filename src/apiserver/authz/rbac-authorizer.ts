/**
 * RBAC (upstream: plugin/pkg/auth/authorizer/rbac): who is bound to which roles, kept by the watch caches' changes.
 *
 * Invariants: 1. `#cluster` and `#namespaced` hold, for each subject, exactly the bindings that name it now; 2. a role's
 * rules are compiled once a version; 3. a binding to a role that does not exist gives nothing, and says so when the
 * answer is no.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { goQuote } from '../../machinery/go-quote.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import { splitServiceAccountUsername } from '../authn/users.ts';
import type { Lookup } from '../registry/registry.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { CompiledRules, type PolicyRule } from './rules.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

export interface Subject {
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface RoleObject extends KubeObject {
  rules?: PolicyRule[] | null;
  aggregationRule?: unknown;
}

export interface BindingObject extends KubeObject {
  roleRef: RoleRef;
  subjects?: Subject[] | null;
}

/** By subject key: `u:NAME` and `g:NAME`; ServiceAccounts are users by their full name. */
type BindingsBySubject = Map<string, Map<string, RoleRef>>;

export class RbacAuthorizer implements Authorizer {
  readonly #clusterRoles = new Map<string, CompiledRules>();
  /** By `NAMESPACE/NAME`. */
  readonly #roles = new Map<string, CompiledRules>();
  readonly #cluster: BindingsBySubject = new Map();
  readonly #namespaced = new Map<string, BindingsBySubject>();
  readonly #unsubscribe: (() => void)[] = [];

  /** Reads what is there and follows changes until `stop`. */
  start(lookup: Lookup): void {
    const follow = <T extends KubeObject>(
      resource: string,
      change: (now: T | undefined, old: T | undefined) => void,
    ) => {
      this.#unsubscribe.push(lookup.subscribe<T>(rbacGroup, resource, change));
      for (const object of lookup.list<T>(rbacGroup, resource)) change(object, undefined);
    };
    follow<RoleObject>('clusterroles', (now, old) => setRole(this.#clusterRoles, (o) => o.metadata.name!, now, old));
    follow<RoleObject>('roles', (now, old) =>
      setRole(this.#roles, (o) => `${o.metadata.namespace}/${o.metadata.name}`, now, old),
    );
    follow<BindingObject>('clusterrolebindings', (now, old) => setBinding(() => this.#cluster, now, old));
    follow<BindingObject>('rolebindings', (now, old) =>
      setBinding((o) => getOrMake(this.#namespaced, o.metadata.namespace!, () => new Map()), now, old),
    );
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const problems: string[] = [];
    for (const rules of this.#rulesOf(attributes.user, attributes.namespace, problems))
      if (rules.allow(attributes)) return { decision: 'allow', reason: '' };
    return { decision: 'noOpinion', reason: problems.length === 0 ? '' : `RBAC: ${aggregate(problems)}` };
  }

  /** Which binding allows it, in upstream's words; '' when none does. For reviews: the hot path does not ask. */
  explain(attributes: AuthorizationAttributes): string {
    const { user, namespace } = attributes;
    const local = namespace === '' ? undefined : this.#namespaced.get(namespace);
    for (const [bindings, where] of [[this.#cluster, ''] as const, [local, namespace] as const])
      for (let i = -1; i < user.groups.length; i++) {
        const name = i < 0 ? user.username : user.groups[i]!;
        for (const [binding, ref] of bindings?.get(i < 0 ? `u:${name}` : `g:${name}`) ?? []) {
          if (!this.#compiled(ref, where)?.allow(attributes)) continue;
          const what =
            where === '' ? `ClusterRoleBinding ${goQuote(binding)}` : `RoleBinding ${goQuote(`${binding}/${where}`)}`;
          return `RBAC: allowed by ${what} of ${ref.kind} ${goQuote(ref.name)} to ${describeSubject(name, i >= 0)}`;
        }
      }
    return '';
  }

  /** All rules that hold for a user in a namespace ('' for those that hold everywhere), and roles that are missing. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; problems: string[] } {
    const problems: string[] = [];
    const rules: PolicyRule[] = [];
    for (const compiled of this.#rulesOf(user, namespace, problems)) rules.push(...compiled.rules);
    return { rules, problems };
  }

  /** The rules of a role as bindings in `namespace` see it; undefined when it does not exist. */
  roleRules(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#compiled(roleRef, namespace)?.rules;
  }

  *#rulesOf(user: UserInfo, namespace: string, problems: string[]): Iterable<CompiledRules> {
    yield* this.#bound(this.#cluster, user, '', problems);
    if (namespace === '') return;
    const local = this.#namespaced.get(namespace);
    if (local !== undefined) yield* this.#bound(local, user, namespace, problems);
  }

  *#bound(bindings: BindingsBySubject, user: UserInfo, namespace: string, problems: string[]): Iterable<CompiledRules> {
    for (let i = -1; i < user.groups.length; i++) {
      const refs = bindings.get(i < 0 ? `u:${user.username}` : `g:${user.groups[i]}`);
      if (refs === undefined) continue;
      for (const ref of refs.values()) {
        const compiled = this.#compiled(ref, namespace);
        if (compiled !== undefined) yield compiled;
        else problems.push(`${ref.kind.toLowerCase()}.${rbacGroup} ${goQuote(ref.name)} not found`);
      }
    }
  }

  #compiled(ref: RoleRef, namespace: string): CompiledRules | undefined {
    return ref.kind === 'ClusterRole' ? this.#clusterRoles.get(ref.name) : this.#roles.get(`${namespace}/${ref.name}`);
  }
}

function describeSubject(name: string, isGroup: boolean): string {
  const account = isGroup ? undefined : splitServiceAccountUsername(name);
  if (account !== undefined) return `ServiceAccount ${goQuote(`${account.name}/${account.namespace}`)}`;
  return `${isGroup ? 'Group' : 'User'} ${goQuote(name)}`;
}

/** Repeated texts once; more than one in brackets, as Go's aggregate prints them. */
function aggregate(problems: readonly string[]): string {
  const unique = [...new Set(problems)];
  return unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`;
}

function setRole(
  roles: Map<string, CompiledRules>,
  keyOf: (object: RoleObject) => string,
  now: RoleObject | undefined,
  old: RoleObject | undefined,
): void {
  if (now !== undefined) roles.set(keyOf(now), new CompiledRules(now.rules ?? []));
  else if (old !== undefined) roles.delete(keyOf(old));
}

function setBinding(
  tableOf: (object: BindingObject) => BindingsBySubject,
  now: BindingObject | undefined,
  old: BindingObject | undefined,
): void {
  if (old !== undefined)
    for (const subject of old.subjects ?? []) {
      const table = tableOf(old);
      const key = subjectKey(subject, old.metadata.namespace ?? '');
      const refs = table.get(key);
      refs?.delete(old.metadata.name!);
      if (refs?.size === 0) table.delete(key);
    }
  if (now !== undefined)
    for (const subject of now.subjects ?? [])
      getOrMake(tableOf(now), subjectKey(subject, now.metadata.namespace ?? ''), () => new Map()).set(
        now.metadata.name!,
        now.roleRef,
      );
}

function subjectKey(subject: Subject, bindingNamespace: string): string {
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`;
    case 'Group':
      return `g:${subject.name}`;
    case 'ServiceAccount':
      return `u:system:serviceaccount:${subject.namespace ?? bindingNamespace}:${subject.name}`;
    default:
      // Validation refuses other kinds; one that slipped in matches nobody.
      return `?:${subject.kind}:${subject.name}`;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
