/** The default FlowSchemas and PriorityLevelConfigurations (apiserver/pkg/apis/flowcontrol/bootstrap). */
import type { KubeObject } from '../../machinery/meta/object.ts';

export const flowControlGroup = 'flowcontrol.apiserver.k8s.io';

type Queues = readonly [queues: number, handSize: number, queueLengthLimit: number];

/** name, shares, lendable percent, queues; no queues: excess is rejected. */
const limited: readonly (readonly [string, number, number, Queues?])[] = [
  ['catch-all', 5, 0],
  ['system', 30, 33, [64, 6, 50]],
  ['node-high', 40, 25, [64, 6, 50]],
  ['leader-election', 10, 0, [16, 4, 50]],
  ['workload-high', 40, 50, [128, 6, 50]],
  ['workload-low', 100, 90, [128, 6, 50]],
  ['global-default', 20, 50, [128, 6, 50]],
];

const everyResource = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const user = (name: string) => ({ kind: 'User', user: { name } });
const group = (name: string) => ({ kind: 'Group', group: { name } });
const everybody = [group('system:unauthenticated'), group('system:authenticated')];
const kubeSystemAccounts = { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } };

type Rules = { readonly resourceRules?: readonly unknown[]; readonly nonResourceRules?: readonly unknown[] };

/** name, level, precedence, distinguisher, subjects, rules. */
const schemas: readonly (readonly [
  string,
  string,
  number,
  '' | 'ByUser' | 'ByNamespace',
  readonly unknown[],
  Rules,
])[] = [
  ['exempt', 'exempt', 1, '', [group('system:masters')], everyResource],
  [
    'probes',
    'exempt',
    2,
    '',
    everybody,
    { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] },
  ],
  [
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler'), kubeSystemAccounts],
    {
      resourceRules: [
        {
          verbs: ['get', 'create', 'update'],
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          namespaces: ['*'],
        },
      ],
    },
  ],
  [
    'system-node-high',
    'node-high',
    400,
    'ByUser',
    [group('system:nodes')],
    {
      resourceRules: [
        { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
        { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
      ],
    },
  ],
  ['system-nodes', 'system', 500, 'ByUser', [group('system:nodes')], everyResource],
  [
    'kube-controller-manager',
    'workload-high',
    800,
    'ByNamespace',
    [user('system:kube-controller-manager')],
    everyResource,
  ],
  ['kube-scheduler', 'workload-high', 800, 'ByNamespace', [user('system:kube-scheduler')], everyResource],
  ['kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [kubeSystemAccounts], everyResource],
  ['service-accounts', 'workload-low', 9000, 'ByUser', [group('system:serviceaccounts')], everyResource],
  ['global-default', 'global-default', 9900, 'ByUser', everybody, everyResource],
  ['catch-all', 'catch-all', 10000, 'ByUser', everybody, everyResource],
];

const head = (kind: string, name: string) => ({
  apiVersion: `${flowControlGroup}/v1`,
  kind,
  metadata: { name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } },
});

export function priorityLevels(): KubeObject[] {
  const exempt = {
    ...head('PriorityLevelConfiguration', 'exempt'),
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  };
  const others = limited.map(([name, shares, lendable, queues]) => ({
    ...head('PriorityLevelConfiguration', name),
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: shares,
        lendablePercent: lendable,
        limitResponse:
          queues === undefined
            ? { type: 'Reject' }
            : { type: 'Queue', queuing: { queues: queues[0], handSize: queues[1], queueLengthLimit: queues[2] } },
      },
    },
  }));
  return [exempt, ...others];
}

export function flowSchemas(): KubeObject[] {
  return schemas.map(([name, level, matchingPrecedence, by, subjects, rules]) => ({
    ...head('FlowSchema', name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(by === '' ? {} : { distinguisherMethod: { type: by } }),
      rules: [{ subjects, ...rules }],
    },
  }));
}
