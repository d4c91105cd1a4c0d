/** What the nodes' network may read: a role of ours, as upstream's network plugins bring theirs. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
} from '../apis/generated/types/rbac.authorization.k8s.io/v1.ts';
import type { Client } from '../client/client.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { isAlreadyExists } from '../machinery/status/is.ts';

const verbs = ['get', 'list', 'watch'];
const name = 'skiff:network';

/** Idempotent. What an operator has changed since stays so. */
export async function allowNetwork(client: Client, userName: string): Promise<void> {
  await allow(client, name, userName, [
    { apiGroups: [''], resources: ['pods', 'namespaces', 'nodes', 'services'], verbs },
    { apiGroups: [''], resources: ['nodes'], verbs: ['patch'] },
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs },
  ]);
}

/** A role of that name for a user. Idempotent, as above. */
export async function allow(client: Client, name: string, userName: string, rules: PolicyRule[]): Promise<void> {
  const role: ClusterRole = { metadata: { name }, rules };
  const binding: ClusterRoleBinding = {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: userName }],
  };
  await create(client, 'clusterroles', role);
  await create(client, 'clusterrolebindings', binding);
}

async function create<T extends KubeObject>(client: Client, resource: string, object: T): Promise<void> {
  try {
    await client.resource<T>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource }).create(object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
