/** The checks of a kube-apiserver, by upstream's names and in its order: clients ask for single ones by their path. */
import type { Endpoint, HealthCheck } from './health.ts';

export interface ServerState {
  /** The store can be read and the caches are filled. */
  serving(): boolean;
  /** What a start puts in place is there. */
  ready(): boolean;
  stopped(): boolean;
}

const every: readonly Endpoint[] = ['healthz', 'livez', 'readyz'];
const always = () => true;

/** What runs as soon as the caches are filled; the others write objects first. */
const hooksOfServing: ReadonlySet<string> = new Set([
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'storage-readiness',
]);

/** Names of upstream's post-start hooks, in the order of `?verbose`. */
const hooksBeforeCompletion = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'peer-endpoint-reconciler-controller',
  'start-cluster-authentication-info-controller',
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
  'storage-readiness',
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
];
const hooksAfterCompletion = ['apiservice-openapi-controller', 'apiservice-openapiv3-controller'];

export function apiServerChecks({ serving, ready, stopped }: ServerState): HealthCheck[] {
  const hook = (name: string): HealthCheck => ({
    name: `poststarthook/${name}`,
    endpoints: every,
    healthy: hooksOfServing.has(name) ? serving : ready,
  });
  return [
    { name: 'ping', endpoints: every, healthy: always },
    { name: 'log', endpoints: every, healthy: always },
    { name: 'loopback-serving-certificate', endpoints: ['healthz', 'livez'], healthy: always },
    { name: 'etcd', endpoints: every, healthy: serving },
    { name: 'etcd-readiness', endpoints: ['readyz'], healthy: serving },
    { name: 'informer-sync', endpoints: ['readyz'], healthy: serving },
    ...hooksBeforeCompletion.map(hook),
    { name: 'autoregister-completion', endpoints: every, healthy: ready },
    ...hooksAfterCompletion.map(hook),
    { name: 'shutdown', endpoints: ['readyz'], healthy: () => !stopped() },
  ];
}
