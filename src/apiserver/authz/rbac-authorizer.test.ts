import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Lookup } from '../registry/registry.ts';
import type { AuthorizationAttributes } from './authorizer.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';
import { compactRule, type PolicyRule, uncoveredRules } from './rules.ts';

/** Objects by resource, changed by `set` as a watch cache would tell it. */
class FakeLookup implements Lookup {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, (now: never, old: never) => void>();

  set(resource: string, name: string, object: object | undefined, namespace?: string): void {
    const all = this.#objects.get(resource) ?? new Map();
    this.#objects.set(resource, all);
    const key = `${namespace}/${name}`;
    const old = all.get(key);
    const now = object && { metadata: { name, ...(namespace ? { namespace } : {}) }, ...object };
    if (now) all.set(key, now);
    else all.delete(key);
    this.#listeners.get(resource)?.(now as never, old as never);
  }
  get(): undefined {
    return undefined;
  }
  list<T extends KubeObject>(_group: string, resource: string): readonly T[] {
    return [...(this.#objects.get(resource)?.values() ?? [])] as T[];
  }
  subscribe<T extends KubeObject>(
    _group: string,
    resource: string,
    onChange: (now: T | undefined, old: T | undefined) => void,
  ): () => void {
    this.#listeners.set(resource, onChange as never);
    return () => this.#listeners.delete(resource);
  }
}

const question = (over: Partial<AuthorizationAttributes> & { name?: string } = {}): AuthorizationAttributes => ({
  user: { username: 'jane', groups: ['devs'] },
  verb: 'get',
  isResourceRequest: true,
  path: '',
  apiGroup: '',
  apiVersion: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'a',
  name: '',
  ...over,
});

const rule = (over: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs: ['get'],
  apiGroups: [''],
  resources: ['pods'],
  ...over,
});
const clusterRole = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name });

function allowed(rules: PolicyRule[], attributes: AuthorizationAttributes): boolean {
  const lookup = new FakeLookup();
  lookup.set('clusterroles', 'r', { rules });
  lookup.set('clusterrolebindings', 'b', { roleRef: clusterRole('r'), subjects: [{ kind: 'Group', name: 'devs' }] });
  const rbac = new RbacAuthorizer();
  rbac.start(lookup);
  return rbac.authorize(attributes).decision === 'allow';
}

describe('a rule', () => {
  test.each<[string, PolicyRule, Partial<AuthorizationAttributes>, boolean]>([
    ['matches itself', rule(), {}, true],
    ['matches no other verb', rule(), { verb: 'list' }, false],
    ['with * matches any verb', rule({ verbs: ['*'] }), { verb: 'list' }, true],
    ['matches no other group', rule(), { apiGroup: 'apps' }, false],
    ['with * matches any group', rule({ apiGroups: ['*'] }), { apiGroup: 'apps' }, true],
    ['of a resource does not reach its sub-resources', rule(), { subresource: 'log' }, false],
    ['of a sub-resource reaches it', rule({ resources: ['pods/log'] }), { subresource: 'log' }, true],
    ['of */sub reaches it on any resource', rule({ resources: ['*/scale'] }), { subresource: 'scale' }, true],
    ['of * reaches sub-resources', rule({ resources: ['*'] }), { subresource: 'log' }, true],
    ['with names matches them', rule({ resourceNames: ['x'] }), { name: 'x' }, true],
    ['with names matches no other', rule({ resourceNames: ['x'] }), { name: 'y' }, false],
    ['with names matches no request without', rule({ resourceNames: ['x'] }), { verb: 'get' }, false],
    [
      'of a path matches it',
      { verbs: ['get'], nonResourceURLs: ['/a'] },
      { isResourceRequest: false, path: '/a' },
      true,
    ],
    ['of a prefix', { verbs: ['get'], nonResourceURLs: ['/a/*'] }, { isResourceRequest: false, path: '/a/b' }, true],
    ['of paths reaches no resource', { verbs: ['get'], nonResourceURLs: ['*'] }, {}, false],
    ['of resources reaches no path', rule({ resources: ['*'] }), { isResourceRequest: false, path: '/a' }, false],
  ])('%s', (_, r, over, expected) => expect(allowed([r], question(over))).toBe(expected));
});

test('bindings count for users, groups and ServiceAccounts, and stop when they are gone', () => {
  const lookup = new FakeLookup();
  lookup.set('clusterroles', 'r', { rules: [rule()] });
  const rbac = new RbacAuthorizer();
  rbac.start(lookup);
  const decision = (username: string, groups: string[] = [], namespace = 'a') =>
    rbac.authorize(question({ user: { username, groups }, namespace })).decision;
  const bind = (subjects: object[]) => lookup.set('rolebindings', 'b', { roleRef: clusterRole('r'), subjects }, 'a');

  bind([
    { kind: 'User', name: 'u' },
    { kind: 'ServiceAccount', name: 's' },
  ]);
  expect(decision('u')).toBe('allow');
  expect(decision('u', [], 'b')).toBe('noOpinion');
  expect(decision('system:serviceaccount:a:s')).toBe('allow');
  bind([{ kind: 'Group', name: 'g' }]);
  expect(decision('u')).toBe('noOpinion');
  expect(decision('x', ['g'])).toBe('allow');
  lookup.set('clusterroles', 'r', undefined);
  expect(rbac.authorize(question({ user: { username: 'x', groups: ['g'] } }))).toEqual({
    decision: 'noOpinion',
    reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "r" not found',
  });
  lookup.set('clusterroles', 'r', { rules: [rule()] });
  expect(rbac.explain(question({ user: { username: 'x', groups: ['g'] } }))).toBe(
    'RBAC: allowed by RoleBinding "b/a" of ClusterRole "r" to Group "g"',
  );
  lookup.set('rolebindings', 'b', undefined, 'a');
  expect(decision('x', ['g'])).toBe('noOpinion');
});

describe('rules that are not covered', () => {
  test.each<[PolicyRule[], PolicyRule, string[]]>([
    [[rule()], rule(), []],
    [[rule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })], rule({ resources: ['a', 'b/c'] }), []],
    [[rule()], rule({ verbs: ['get', 'list'] }), ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}']],
    [[rule({ resourceNames: ['x'] })], rule(), ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']],
    [[rule()], rule({ resourceNames: ['x'] }), []],
    [[], { verbs: ['get'], nonResourceURLs: ['/x'] }, ['{NonResourceURLs:["/x"], Verbs:["get"]}']],
  ])('%j over %j', (owned, wanted, missing) =>
    expect(uncoveredRules(owned, [wanted]).map(compactRule)).toEqual(missing),
  );
});
