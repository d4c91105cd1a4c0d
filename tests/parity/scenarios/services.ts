/** Services and their addresses: what is filled in, what is kept, what is refused. */
import type { Scenario } from '../scenario.ts';

const path = '/api/v1/namespaces/{ns}/services';
const service = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });
const http = { port: 80, targetPort: 8080 };
const merge = { 'content-type': 'application/merge-patch+json' };
const make = (name: string, spec: object) => ({ method: 'POST', path, body: service(name, spec) });
const change = (name: string, spec: object) => ({
  method: 'PATCH',
  path: `${path}/${name}`,
  body: { spec },
  headers: merge,
});

export const services: readonly Scenario[] = [
  {
    name: 'services of every type',
    steps: [
      make('cluster', { ports: [http] }),
      make('headless', { clusterIP: 'None', selector: { a: 'b' }, ports: [http] }),
      make('node', { type: 'NodePort', ports: [http, { name: 'two', port: 81 }] }),
      make('node2', {
        type: 'NodePort',
        ports: [
          { ...http, name: 'one' },
          { name: 'two', port: 81, protocol: 'UDP' },
        ],
      }),
      make('balancer', { type: 'LoadBalancer', ports: [http], externalTrafficPolicy: 'Local' }),
      make('external', { type: 'ExternalName', externalName: 'example.com' }),
      make('sticky', { sessionAffinity: 'ClientIP', ports: [http] }),
      make('traffic', { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose', ports: [http] }),
      change('cluster', { type: 'NodePort' }),
      change('cluster', { type: 'ClusterIP' }),
      change('cluster', { type: 'ExternalName', externalName: 'example.org' }),
      change('external', { type: 'ClusterIP', externalName: null, ports: [http] }),
      change('node2', { type: 'LoadBalancer' }),
      change('node2', { clusterIP: '10.96.0.77' }),
    ],
  },
  {
    name: 'services that are refused',
    steps: [
      make('none', {}),
      make('twice', { ports: [http, http] }),
      make('bad-port', { ports: [{ port: 0 }] }),
      make('bad-protocol', { ports: [{ port: 1, protocol: 'X' }] }),
      make('bad-type', { type: 'X', ports: [http] }),
      make('bad-ip', { clusterIP: '1.2.3.4', ports: [http] }),
      make('no-ip', { clusterIP: 'x', ports: [http] }),
      make('bad-node-port', { type: 'NodePort', ports: [{ ...http, nodePort: 1 }] }),
      make('no-name', { type: 'ExternalName' }),
      make('policy', { externalTrafficPolicy: 'Local', ports: [http] }),
      make('affinity', { sessionAffinity: 'X', ports: [http] }),
      make('timeout', {
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
        ports: [http],
      }),
      make('external-ip', { externalIPs: ['127.0.0.1'], ports: [http] }),
      make('families', { ipFamilies: ['IPv9'], ports: [http] }),
      make('dual', { ipFamilyPolicy: 'RequireDualStack', ports: [http] }),
      make('ranges', { loadBalancerSourceRanges: ['x'], type: 'LoadBalancer', ports: [http] }),
      make('selector', { selector: { 'bad key!': 'x' }, ports: [http] }),
    ],
  },
];
