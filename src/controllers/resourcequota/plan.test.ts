import { describe, expect, test } from 'vitest';
import type { ResourceQuota } from '../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { planQuota } from './plan.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const quota = (hard: Record<string, string>, more: object = {}): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'default' },
  spec: { hard, ...more },
});
const pod = (requests: object, more: { spec?: object; metadata?: object; status?: object } = {}): KubeObject =>
  ({
    metadata: { name: 'p', ...more.metadata },
    spec: { containers: [{ name: 'c', resources: { requests, limits: { memory: '2Gi' } } }], ...more.spec },
    status: more.status ?? {},
  }) as KubeObject;
const service = (spec: object): KubeObject => ({ metadata: { name: 's' }, spec }) as KubeObject;
const claim = (storage: string, storageClassName?: string): KubeObject =>
  ({ metadata: { name: 'c' }, spec: { resources: { requests: { storage } }, storageClassName } }) as KubeObject;

describe('what is used of a quota', () => {
  const cases: [string, Record<string, string>, Record<string, readonly KubeObject[]>, Record<string, string>][] = [
    [
      'pods: number, requests and limits',
      { pods: '5', cpu: '1', 'requests.memory': '1Gi', 'limits.memory': '4Gi', 'count/pods': '5' },
      { pods: [pod({ cpu: '100m', memory: '64Mi' }), pod({ cpu: '150m' })] },
      { pods: '2', cpu: '250m', 'requests.memory': '64Mi', 'limits.memory': '4Gi', 'count/pods': '2' },
    ],
    [
      'finished pods are objects and nothing else',
      { pods: '5', cpu: '1', 'count/pods': '5' },
      { pods: [pod({ cpu: '1' }, { status: { phase: 'Succeeded' } })] },
      { pods: '0', cpu: '0', 'count/pods': '1' },
    ],
    [
      'extended resources',
      { 'requests.example.com/gpu': '2' },
      { pods: [pod({ 'example.com/gpu': '1' })] },
      { 'requests.example.com/gpu': '1' },
    ],
    [
      'services by type',
      { services: '9', 'services.nodeports': '9', 'services.loadbalancers': '9' },
      {
        services: [
          service({ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] }),
          service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }] }),
        ],
      },
      { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '1' },
    ],
    [
      'claims, all and of a class',
      {
        persistentvolumeclaims: '9',
        'requests.storage': '9Gi',
        'gold.storageclass.storage.k8s.io/requests.storage': '9Gi',
      },
      { persistentvolumeclaims: [claim('1Gi'), claim('2Gi', 'gold')] },
      {
        persistentvolumeclaims: '2',
        'requests.storage': '3Gi',
        'gold.storageclass.storage.k8s.io/requests.storage': '2Gi',
      },
    ],
    [
      'objects of any resource',
      { configmaps: '9', 'count/deployments.apps': '9' },
      { configmaps: [{ metadata: { name: 'a' } } as KubeObject], deployments: [] },
      { configmaps: '1', 'count/deployments.apps': '0' },
    ],
  ];
  test.each(cases)('%s', (_name, hard, objects, used) => {
    const status = planQuota({ quota: quota(hard), objectsOf: ({ resource }) => objects[resource], nowMs });
    expect(status).toEqual({ hard, used });
  });

  const scoped: [string, object, KubeObject, string][] = [
    ['Terminating', { scopes: ['Terminating'] }, pod({}, { spec: { activeDeadlineSeconds: 5 } }), '1'],
    ['NotTerminating', { scopes: ['NotTerminating'] }, pod({}, { spec: { activeDeadlineSeconds: 5 } }), '0'],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, pod({ cpu: '1' }), '1'],
    ['BestEffort', { scopes: ['BestEffort'] }, pod({ cpu: '1' }), '0'],
    [
      'a priority class among those named',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      pod({}, { spec: { priorityClassName: 'high' } }),
      '1',
    ],
    [
      'a priority class that is not',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } },
      pod({}, { spec: { priorityClassName: 'high' } }),
      '0',
    ],
  ];
  test.each(scoped)('within scopes: %s', (_name, spec, object, pods) => {
    const status = planQuota({ quota: quota({ pods: '5' }, spec), objectsOf: () => [object], nowMs });
    expect(status.used).toEqual({ pods });
  });

  test('what cannot be counted keeps what it had', () => {
    const known = {
      ...quota({ 'count/widgets.example.com': '5' }),
      status: { used: { 'count/widgets.example.com': '3' } },
    };
    expect(planQuota({ quota: known, objectsOf: () => undefined, nowMs }).used).toEqual({
      'count/widgets.example.com': '3',
    });
  });
});
