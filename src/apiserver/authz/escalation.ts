/**
 * Nobody hands out rights they do not have (upstream: pkg/registry/rbac/*\/policybased): writing roles needs their rules, or
 * the verb `escalate`; writing bindings needs the role's rules, or the verb `bind`.
 */
import { goQuote } from '../../machinery/go-quote.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { newForbidden, newNotFound } from '../../machinery/status/errors.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import { systemMasters } from '../authn/users.ts';
import type { HookOptions, StorageHooks } from '../registry/hooks.ts';
import type { Authorizer } from './authorizer.ts';
import { type BindingObject, type RbacAuthorizer, rbacGroup, type RoleObject } from './rbac-authorizer.ts';
import { compactRule, type PolicyRule, uncoveredRules } from './rules.ts';

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Hooks of the four RBAC resources. The authorizers are asked for when a request comes: they read the registry. */
export function escalationHooks(
  deps: () => { readonly rbac: RbacAuthorizer; readonly authorizer: Authorizer },
): StorageHooks[] {
  const may = (options: HookOptions, verb: string, resource: string, namespace: string, name: string): boolean => {
    const { user } = options.context;
    if (user.groups.includes(systemMasters)) return true;
    const attributes = {
      user,
      verb,
      isResourceRequest: true,
      path: '',
      apiGroup: rbacGroup,
      apiVersion: 'v1',
      resource,
      subresource: '',
      namespace,
      name,
    };
    return deps().authorizer.authorize(attributes).decision === 'allow';
  };
  const requireRules = (user: UserInfo, rules: readonly PolicyRule[], resource: string, object: KubeObject) => {
    const { namespace = '', name = '' } = object.metadata;
    const missing = uncoveredRules(deps().rbac.rulesFor(user, namespace).rules, rules);
    if (missing.length === 0) return;
    const groups = `[${user.groups.map(goQuote).join(' ')}]`;
    throw newForbidden(
      { group: rbacGroup, resource },
      name,
      `user ${goQuote(user.username)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${missing.map(compactRule).join('\n')}`,
    );
  };

  const roles = (resource: 'roles' | 'clusterroles'): StorageHooks => {
    const check = (object: KubeObject, old: KubeObject | undefined, options: HookOptions): undefined => {
      const role = object as RoleObject;
      const before = old as RoleObject | undefined;
      const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
      if (before !== undefined && same(role.rules, before.rules) && same(role.aggregationRule, before.aggregationRule))
        return;
      const { namespace = '', name = '' } = role.metadata;
      if (may(options, 'escalate', resource, namespace, name)) return;
      // What an aggregated role will hold is decided by whoever labels roles: that is everything.
      const rules = role.aggregationRule ? [...everything, ...(role.rules ?? [])] : (role.rules ?? []);
      requireRules(options.context.user, rules, resource, role);
    };
    return {
      group: rbacGroup,
      resource,
      beforeCreate: (object, options) => check(object, undefined, options),
      beforeUpdate: check,
    };
  };

  const bindings = (resource: 'rolebindings' | 'clusterrolebindings'): StorageHooks => {
    const check = (object: KubeObject, old: KubeObject | undefined, options: HookOptions): undefined => {
      const binding = object as BindingObject;
      const before = old as BindingObject | undefined;
      if (before !== undefined && JSON.stringify(binding.subjects ?? null) === JSON.stringify(before.subjects ?? null))
        return;
      const { namespace = '' } = binding.metadata;
      const { kind, name } = binding.roleRef;
      const roleResource = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
      if (may(options, 'bind', roleResource, namespace, name)) return;
      const rules = deps().rbac.roleRules(binding.roleRef, namespace);
      if (rules === undefined) throw newNotFound({ group: rbacGroup, resource: roleResource }, name);
      requireRules(options.context.user, rules, resource, binding);
    };
    return {
      group: rbacGroup,
      resource,
      beforeCreate: (object, options) => check(object, undefined, options),
      beforeUpdate: check,
    };
  };
  return [roles('roles'), roles('clusterroles'), bindings('rolebindings'), bindings('clusterrolebindings')];
}
