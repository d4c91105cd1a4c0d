import type { Scenario } from '../scenario.ts';

const groups = [
  'admissionregistration.k8s.io/v1',
  'apiextensions.k8s.io/v1',
  'apiregistration.k8s.io/v1',
  'apps/v1',
  'authentication.k8s.io/v1',
  'authorization.k8s.io/v1',
  'autoscaling/v1',
  'autoscaling/v2',
  'batch/v1',
  'certificates.k8s.io/v1',
  'coordination.k8s.io/v1',
  'discovery.k8s.io/v1',
  'events.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'networking.k8s.io/v1',
  'node.k8s.io/v1',
  'policy/v1',
  'rbac.authorization.k8s.io/v1',
  'resource.k8s.io/v1',
  'scheduling.k8s.io/v1',
  'storage.k8s.io/v1',
];
const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

/** What is served, in all its forms. */
export const discovery: readonly Scenario[] = [
  {
    name: 'discovery',
    steps: [
      { method: 'GET', path: '/' },
      { method: 'GET', path: '/api' },
      { method: 'GET', path: '/apis' },
      { method: 'GET', path: '/api/v1' },
      ...groups.flatMap((group) => [
        { method: 'GET', path: `/apis/${group}` },
        { method: 'GET', path: `/apis/${group.split('/')[0]}` },
      ]),
      { method: 'GET', path: '/api', headers: aggregated },
      { method: 'GET', path: '/apis', headers: aggregated },
      { method: 'GET', path: '/apis/nothing' },
      { method: 'GET', path: '/apis/apps/v9' },
      { method: 'GET', path: '/api/v2' },
      { method: 'GET', path: '/healthz' },
      { method: 'GET', path: '/livez' },
      { method: 'GET', path: '/readyz' },
      { method: 'GET', path: '/readyz/ping' },
      { method: 'GET', path: '/readyz/nothing' },
      { method: 'GET', path: '/nothing' },
      { method: 'POST', path: '/version' },
      { method: 'GET', path: '/.well-known/openid-configuration' },
    ],
  },
];
