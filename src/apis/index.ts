/** All kinds with something special, in order. A kind that is not here is served from the tables alone. */
import { deployment } from './apps/deployment/kind.ts';
import { replicaSet } from './apps/replicaset/kind.ts';
import { lease } from './coordination.k8s.io/lease/kind.ts';
import { configMap } from './core/configmap/kind.ts';
import { endpoints } from './core/endpoints/kind.ts';
import { event } from './core/event/kind.ts';
import { namespace } from './core/namespace/kind.ts';
import { node } from './core/node/kind.ts';
import { pod } from './core/pod/kind.ts';
import { secret } from './core/secret/kind.ts';
import { service } from './core/service/kind.ts';
import { serviceAccount } from './core/serviceaccount/kind.ts';
import { endpointSlice } from './discovery.k8s.io/endpointslice/kind.ts';
import { eventsEvent } from './events.k8s.io/event/kind.ts';
import type { Kind } from './kind.ts';
import { clusterRole } from './rbac.authorization.k8s.io/clusterrole/kind.ts';
import { clusterRoleBinding } from './rbac.authorization.k8s.io/clusterrolebinding/kind.ts';
import { role } from './rbac.authorization.k8s.io/role/kind.ts';
import { roleBinding } from './rbac.authorization.k8s.io/rolebinding/kind.ts';

export const kinds: readonly Kind[] = [
  namespace,
  pod,
  service,
  endpoints,
  configMap,
  secret,
  serviceAccount,
  node,
  event,
  eventsEvent,
  lease,
  deployment,
  replicaSet,
  endpointSlice,
  role,
  roleBinding,
  clusterRole,
  clusterRoleBinding,
];
