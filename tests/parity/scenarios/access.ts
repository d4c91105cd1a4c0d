/** Who may do what, asked and tried. */
import type { Scenario } from '../scenario.ts';

const jane = { authorization: 'Bearer parity-jane' };
const review = (group: string, kind: string, spec: object) => ({
  method: 'POST',
  path: `/apis/${group}/v1/${kind.toLowerCase()}s`,
  body: { apiVersion: `${group}/v1`, kind, spec },
});
const authorization = 'authorization.k8s.io';
const pods = { namespace: '{ns}', verb: 'list', resource: 'pods' };

export const access: readonly Scenario[] = [
  {
    name: 'reviews',
    steps: [
      review(authorization, 'SelfSubjectAccessReview', { resourceAttributes: pods }),
      { ...review(authorization, 'SelfSubjectAccessReview', { resourceAttributes: pods }), headers: jane },
      { ...review(authorization, 'SelfSubjectRulesReview', { namespace: 'default' }), headers: jane },
      review(authorization, 'SubjectAccessReview', { user: 'jane', resourceAttributes: pods }),
      review(authorization, 'SubjectAccessReview', { resourceAttributes: pods }),
      review(authorization, 'SubjectAccessReview', {
        user: 'x',
        nonResourceAttributes: { path: '/healthz', verb: 'get' },
      }),
      review(authorization, 'SubjectAccessReview', { user: 'x' }),
      review('authentication.k8s.io', 'TokenReview', { token: 'parity-jane' }),
      review('authentication.k8s.io', 'TokenReview', { token: 'nonsense' }),
      review('authentication.k8s.io', 'TokenReview', {}),
      { ...review('authentication.k8s.io', 'SelfSubjectReview', {}), headers: jane },
    ],
  },
  {
    name: 'refusals',
    steps: [
      { method: 'GET', path: '/api/v1/namespaces/{ns}/pods', headers: jane },
      { method: 'GET', path: '/api/v1/pods', headers: jane },
      { method: 'GET', path: '/api/v1/nodes/x', headers: jane },
      { method: 'DELETE', path: '/apis/apps/v1/namespaces/{ns}/deployments/x', headers: jane },
      { method: 'POST', path: '/api/v1/namespaces/{ns}/pods/x/exec', headers: jane },
      { method: 'GET', path: '/metrics', headers: jane },
      { method: 'GET', path: '/nothing', headers: jane },
      { method: 'GET', path: '/api/v1/pods', headers: { authorization: 'Bearer nonsense' } },
      { method: 'GET', path: '/api/v1/pods', headers: { ...jane, 'impersonate-user': 'bob' } },
      { method: 'GET', path: '/api/v1/pods', headers: { 'impersonate-user': 'bob' } },
      { method: 'GET', path: '/api/v1/pods', headers: { 'impersonate-group': 'devs' } },
      {
        method: 'GET',
        path: '/api/v1/namespaces/{ns}/pods',
        headers: { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' },
      },
      {
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles',
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'r' },
          rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
        },
      },
      {
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings',
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'r' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
          subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
        },
      },
      {
        method: 'PATCH',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/r',
        body: { roleRef: { name: 'other' } },
        headers: { 'content-type': 'application/merge-patch+json' },
      },
    ],
  },
];
