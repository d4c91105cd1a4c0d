/**
 * Upstream's default roles and bindings, reconciled at start: what is missing is added, what was added by others stays,
 * and an object whose autoupdate annotation is "false" is left alone (upstream: pkg/registry/rbac/reconciliation).
 */
import { type PolicyRule, uncoveredRules } from '../authz/rules.ts';
import {
  type BindingObject,
  rbacGroup,
  type RoleObject,
  type RoleRef,
  type Subject,
} from '../authz/rbac-authorizer.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import policy from '../authz/data/bootstrap-rbac.json' with { type: 'json' };
import type { Loopback } from './loopback.ts';

interface PolicyEntry {
  readonly kind: 'ClusterRole' | 'Role' | 'ClusterRoleBinding' | 'RoleBinding';
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Selectors of the roles that this one is made of. */
  readonly aggregation?: readonly { readonly matchLabels: Readonly<Record<string, string>> }[];
  readonly rules?: readonly (PolicyRule & { readonly gate?: string })[];
  readonly roleRef?: RoleRef;
  readonly subjects?: readonly Subject[];
  /** A feature that is off by default; without it the entry does not exist. */
  readonly gate?: string;
}

const entries = (policy as unknown as readonly PolicyEntry[]).filter((entry) => entry.gate === undefined);

const plurals = {
  ClusterRole: 'clusterroles',
  Role: 'roles',
  ClusterRoleBinding: 'clusterrolebindings',
  RoleBinding: 'rolebindings',
} as const;

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate';

/** kubeadm's binding: administrators who, unlike system:masters, can be locked out. */
const clusterAdmins: PolicyEntry = {
  kind: 'ClusterRoleBinding',
  name: 'kubeadm:cluster-admins',
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: rbacGroup, kind: 'Group', name: 'kubeadm:cluster-admins' }],
};

/** The rules of the system:node role, which the Node authorizer has built in. */
export const nodeRules: readonly PolicyRule[] = rulesOf(entries.find((entry) => entry.name === 'system:node')!);

/** Writes only what differs. Throws the first refusal. */
export async function reconcileRbac(loopback: Loopback): Promise<void> {
  await Promise.all([...entries, clusterAdmins].map((entry) => reconcile(loopback, entry)));
}

async function reconcile(loopback: Loopback, entry: PolicyEntry): Promise<void> {
  const at = { group: rbacGroup, version: 'v1', resource: plurals[entry.kind] };
  const stored = loopback.get(at, entry.namespace ?? '', entry.name);
  if (stored === undefined) return loopback.create(at, objectOf(entry));
  if (stored.metadata.annotations?.[autoupdate] === 'false') return;
  if (entry.roleRef !== undefined) {
    const { roleRef } = stored as BindingObject;
    if (roleRef.kind !== entry.roleRef.kind || roleRef.name !== entry.roleRef.name) {
      // A binding's role cannot be changed: another object takes its place.
      await loopback.delete(at, entry.namespace, entry.name);
      return loopback.create(at, objectOf(entry));
    }
  }
  const changed = merged(stored, entry);
  if (changed !== undefined) await loopback.update(at, changed);
}

/** Made once a process: a test suite starts many clusters. Never changed by who gets one. */
const objects = new Map<PolicyEntry, KubeObject>();

function objectOf(entry: PolicyEntry): KubeObject {
  let object = objects.get(entry);
  if (object === undefined) {
    object = makeObject(entry);
    objects.set(entry, object);
  }
  return object;
}

function makeObject(entry: PolicyEntry): KubeObject {
  const { kind, name, namespace, labels, annotations } = entry;
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    ...(labels ? { labels: { ...labels } } : {}),
    ...(annotations ? { annotations: { ...annotations } } : {}),
  };
  const head = { apiVersion: `${rbacGroup}/v1`, kind, metadata };
  if (entry.roleRef !== undefined)
    return { ...head, roleRef: entry.roleRef, subjects: entry.subjects ?? [] } as KubeObject;
  return {
    ...head,
    ...(entry.aggregation ? { aggregationRule: { clusterRoleSelectors: entry.aggregation } } : {}),
    rules: entry.aggregation ? aggregatedRules(entry) : rulesOf(entry),
  } as KubeObject;
}

/** A copy with what was missing; undefined when nothing was. */
function merged(stored: KubeObject, entry: PolicyEntry): KubeObject | undefined {
  const labels = { ...entry.labels, ...stored.metadata.labels };
  const annotations = { ...entry.annotations, ...stored.metadata.annotations };
  let changed =
    Object.keys(labels).length > Object.keys(stored.metadata.labels ?? {}).length ||
    Object.keys(annotations).length > Object.keys(stored.metadata.annotations ?? {}).length;
  const copy = { ...stored, metadata: { ...stored.metadata, labels, annotations } };
  if (entry.roleRef !== undefined) {
    const binding = copy as BindingObject;
    const have = binding.subjects ?? [];
    const missing = (entry.subjects ?? []).filter((subject) => !have.some((h) => sameSubject(h, subject)));
    if (missing.length > 0) binding.subjects = [...have, ...missing];
    changed ||= missing.length > 0;
  } else if (entry.aggregation === undefined) {
    const role = copy as RoleObject;
    const missing = uncoveredRules(role.rules ?? [], rulesOf(entry));
    if (missing.length > 0) role.rules = [...(role.rules ?? []), ...missing];
    changed ||= missing.length > 0;
  }
  return changed ? copy : undefined;
}

const sameSubject = (a: Subject, b: Subject) =>
  a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');

function rulesOf(entry: PolicyEntry): PolicyRule[] {
  return (entry.rules ?? []).filter((rule) => rule.gate === undefined);
}

/**
 * What the aggregation controller will keep up to date: the rules of all default roles that the selectors match, and of
 * those made of others in turn. So administrators of namespaces have their rights before that controller has run.
 */
function aggregatedRules(entry: PolicyEntry): PolicyRule[] {
  const rules = new Map<string, PolicyRule>();
  for (const other of entries) {
    if (other === entry || other.kind !== 'ClusterRole') continue;
    const matches = entry.aggregation!.some(({ matchLabels }) =>
      Object.entries(matchLabels).every(([key, value]) => other.labels?.[key] === value),
    );
    if (!matches) continue;
    for (const rule of (objectOf(other) as RoleObject).rules ?? []) rules.set(JSON.stringify(rule), rule);
  }
  return [...rules.values()];
}
