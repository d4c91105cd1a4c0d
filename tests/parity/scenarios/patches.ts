/** Patches of every type, server-side apply, scale, and who owns what afterwards. */
import type { Scenario } from '../scenario.ts';

const path = '/apis/apps/v1/namespaces/{ns}/deployments';
const container = { name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] };
const deployment = (more: object = {}, containers: readonly object[] = [container]) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers } },
    ...more,
  },
});
const patch = (type: string, body: unknown, query = '', of = `${path}/d`) => ({
  method: 'PATCH',
  path: `${of}${query}`,
  body,
  headers: { 'content-type': `application/${type}` },
});
const json = (...operations: readonly object[]) => patch('json-patch+json', operations);
const strategic = (body: object) => patch('strategic-merge-patch+json', body);
const merge = (body: object) => patch('merge-patch+json', body);
const apply = (manager: string, body: object, query = '', of?: string) =>
  patch('apply-patch+yaml', body, `?fieldManager=${manager}${query}`, of);
const podSpec = (spec: object) => ({ spec: { template: { spec } } });
const applied = (spec: object, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', ...more },
  spec,
});

export const patches: readonly Scenario[] = [
  {
    name: 'patches of three types',
    steps: [
      { method: 'POST', path, body: deployment() },
      json({ op: 'replace', path: '/spec/replicas', value: 3 }),
      json({ op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'two', image: 'two' } }),
      json({ op: 'remove', path: '/spec/nothing' }),
      json({ op: 'nonsense', path: '/spec' }),
      json({ op: 'replace', path: '/spec/replicas', value: 'x' }),
      patch('json-patch+json', { not: 'a list' }),
      strategic(podSpec({ containers: [{ name: 'web', image: 'web:2' }] })),
      strategic(podSpec({ containers: [{ name: 'three', image: 'three' }] })),
      strategic(podSpec({ containers: [{ name: 'three', $patch: 'delete' }] })),
      strategic(podSpec({ containers: [{ name: 'web', ports: [{ containerPort: 80, $patch: 'delete' }] }] })),
      strategic({ spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }),
      strategic(podSpec({ containers: [{ image: 'no name' }] })),
      strategic({ metadata: { $patch: 'nonsense' } }),
      merge({ spec: { replicas: null } }),
      merge(podSpec({ containers: [{ name: 'only', image: 'only' }] })),
      merge({ spec: { selector: { matchLabels: { app: 'other' } } } }),
      merge({ metadata: { name: 'other' } }),
      merge({ metadata: { uid: 'other' } }),
      merge({ metadata: { resourceVersion: '1' } }),
      merge({ kind: 'Other' }),
      patch('merge-patch+json', 'nonsense'),
    ],
  },
  {
    name: 'server-side apply',
    steps: [
      apply('one', deployment({ replicas: 2 })),
      apply('one', deployment({ replicas: 2 })),
      apply('two', applied({ replicas: 3 })),
      apply('two', applied({ replicas: 3 }), '&force=true'),
      apply('one', deployment({})),
      apply('two', applied({})),
      apply('three', deployment({}, [{ ...container, image: 'web:2' }])),
      apply('three', deployment({}, [{ ...container, env: [{ name: 'A', value: 'b' }] }])),
      apply('three', deployment({}, [container])),
      apply('two', applied({}, { labels: { a: 'b' }, annotations: { c: 'd' } })),
      apply('two', applied({}, { managedFields: [{ manager: 'x' }] })),
      patch('apply-patch+yaml', deployment()),
      apply('one', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'other' } }),
      apply('one', { metadata: { name: 'd' } }),
      patch('apply-patch+yaml', 'x: [', '?fieldManager=one'),
      apply('one', deployment({ nonsense: 1 })),
      apply('one', deployment({ nonsense: 1 }), '&fieldValidation=Strict'),
      patch('merge-patch+json', { spec: { replicas: 9 } }, '?fieldManager=editor'),
      apply('one', deployment({ replicas: 4 })),
      patch('merge-patch+json', { metadata: { managedFields: [{}] } }),
      { method: 'GET', path: `${path}/d` },
      apply('status', { apiVersion: 'apps/v1', kind: 'Deployment', status: { replicas: 2 } }, '', `${path}/d/status`),
    ],
  },
  {
    name: 'scale and status',
    steps: [
      { method: 'POST', path, body: deployment({ replicas: 1 }) },
      { method: 'GET', path: `${path}/d/scale` },
      patch('merge-patch+json', { spec: { replicas: 5 } }, '', `${path}/d/scale`),
      patch('merge-patch+json', { spec: { replicas: -5 } }, '', `${path}/d/scale`),
      {
        method: 'PUT',
        path: `${path}/d/scale`,
        body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 2 } },
      },
      { method: 'GET', path: `${path}/absent/scale` },
      patch(
        'merge-patch+json',
        { status: { replicas: 2, readyReplicas: 1 }, spec: { replicas: 9 } },
        '',
        `${path}/d/status`,
      ),
      patch('merge-patch+json', { status: { replicas: -1 } }, '', `${path}/d/status`),
      { method: 'GET', path: `${path}/d` },
    ],
  },
];
