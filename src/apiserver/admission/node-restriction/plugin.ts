/** What a kubelet may write: its own Node, Lease and CSINode, and pods that are bound to it. */
import type { Node, Pod } from '../../../apis/generated/types/core/v1.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { refuse } from '../refuse.ts';

const userPrefix = 'system:node:';
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Labels under kubernetes.io and k8s.io that kubelets may set on themselves. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const kubeletNamespaces = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** The node a user stands for; undefined for all who are no node. */
export function nodeNameOf(user: {
  readonly username: string;
  readonly groups: readonly string[];
}): string | undefined {
  if (!user.username.startsWith(userPrefix) || !user.groups.includes('system:nodes')) return undefined;
  return user.username.slice(userPrefix.length);
}

export class NodeRestriction implements AdmissionPlugin {
  readonly name = 'NodeRestriction';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation !== 'CONNECT';
  }

  /** Before the mutating plugins that follow: what the kubelet itself wrote is judged. */
  admit(attributes: Attributes): void {
    const node = nodeNameOf(attributes.context.user);
    if (node === undefined) return;
    const { group, resource, subresource } = attributes;
    if (group === '' && resource === 'pods') {
      if (subresource === '') this.#pod(attributes, node);
      else if (subresource === 'status') podStatus(attributes, node);
      else if (subresource === 'eviction') this.#ownPod(attributes, node);
      else
        throw refuse(
          attributes,
          `unexpected pod subresource "${subresource}", only "status" and "eviction" are allowed`,
        );
    } else if (group === '' && resource === 'nodes') nodeObject(attributes, node);
    else if (group === 'coordination.k8s.io' && resource === 'leases') lease(attributes, node);
    else if (group === 'storage.k8s.io' && resource === 'csinodes') ownName(attributes, node, 'CSINode');
    else if (group === '' && resource === 'serviceaccounts' && subresource === 'token') this.#token(attributes, node);
  }

  #pod(attributes: Attributes, node: string): void {
    switch (attributes.operation) {
      case 'CREATE': {
        const pod = attributes.object as Pod;
        if (pod.metadata.annotations?.[mirrorAnnotation] === undefined)
          throw refuse(
            attributes,
            `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`,
          );
        if (pod.spec?.nodeName !== node)
          throw refuse(attributes, `node "${node}" can only create pods with spec.nodeName set to itself`);
        const owner = pod.metadata.ownerReferences?.[0];
        if (owner && (owner.kind !== 'Node' || owner.name !== node))
          throw refuse(attributes, `node "${node}" can only create pods with an owner reference set to itself`);
        return;
      }
      case 'DELETE':
        this.#ownPod(attributes, node);
        return;
      default:
        throw refuse(
          attributes,
          `unexpected operation "${attributes.operation}", node "${node}" can only create and delete mirror pods`,
        );
    }
  }

  /** A pod that is gone already is no secret and no harm. */
  #ownPod(attributes: Attributes, node: string): void {
    const pod =
      (attributes.oldObject as Pod | undefined) ??
      this.#lookup().get<Pod>('', 'pods', attributes.namespace, attributes.name);
    if (pod && pod.spec?.nodeName !== node)
      throw refuse(attributes, `node "${node}" can only delete pods with spec.nodeName set to itself`);
  }

  #token(attributes: Attributes, node: string): void {
    const spec = (
      attributes.object as unknown as { spec?: { boundObjectRef?: { kind?: string; name?: string; uid?: string } } }
    )?.spec;
    const bound = spec?.boundObjectRef;
    if (bound?.kind !== 'Pod' || !bound.name) throw refuse(attributes, 'node requested token not bound to a pod');
    const pod = this.#lookup().get<Pod>('', 'pods', attributes.namespace, bound.name);
    if (pod === undefined) throw refuse(attributes, `pod "${bound.name}" not found`);
    if (bound.uid !== undefined && bound.uid !== pod.metadata.uid)
      throw refuse(
        attributes,
        `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (pod.spec?.nodeName !== node)
      throw refuse(attributes, 'node requested token bound to a pod scheduled on a different node');
  }
}

function podStatus(attributes: Attributes, node: string): void {
  const old = attributes.oldObject as Pod;
  const pod = attributes.object as Pod;
  if (old.spec?.nodeName !== node)
    throw refuse(attributes, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`);
  if (!semanticEqual(pod.metadata.labels, old.metadata.labels))
    throw refuse(attributes, `node "${node}" cannot update labels through pod status`);
}

/** On create the name may be known only from the body. */
const nameOf = (attributes: Attributes) => attributes.name || attributes.object?.metadata.name || '';

function nodeObject(attributes: Attributes, node: string): void {
  const name = nameOf(attributes);
  if (name !== node) throw refuse(attributes, `node "${node}" is not allowed to modify node "${name}"`);
  if (attributes.operation === 'CREATE') {
    const created = attributes.object as Node;
    if (created.spec?.configSource)
      throw refuse(attributes, `node "${node}" is not allowed to create pods with a non-nil configSource`);
    checkLabels(attributes, node, {}, created.metadata.labels ?? {});
  } else if (attributes.operation === 'UPDATE') {
    const updated = attributes.object as Node;
    const old = attributes.oldObject as Node;
    if (attributes.subresource === '' && !semanticEqual(updated.spec?.taints, old.spec?.taints))
      throw refuse(attributes, `node "${node}" is not allowed to modify taints`);
    if (!semanticEqual(updated.metadata.ownerReferences, old.metadata.ownerReferences))
      throw refuse(attributes, `node "${node}" is not allowed to modify ownerReferences`);
    checkLabels(attributes, node, old.metadata.labels ?? {}, updated.metadata.labels ?? {});
  }
}

function mayKubeletSet(key: string): boolean {
  const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (namespace === 'node-restriction.kubernetes.io' || namespace.endsWith('.node-restriction.kubernetes.io'))
    return false;
  const reserved = /(^|\.)(kubernetes\.io|k8s\.io)$/.test(namespace);
  return (
    !reserved || kubeletLabels.has(key) || kubeletNamespaces.some((n) => namespace === n || namespace.endsWith(`.${n}`))
  );
}

function checkLabels(
  attributes: Attributes,
  node: string,
  old: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): void {
  const changed = new Set([...Object.keys(old), ...Object.keys(labels)].filter((key) => old[key] !== labels[key]));
  const forbidden = [...changed].filter((key) => !mayKubeletSet(key)).sort();
  if (forbidden.length > 0)
    throw refuse(
      attributes,
      attributes.operation === 'CREATE'
        ? `node "${node}" is not allowed to set the following labels: ${forbidden.join(', ')}`
        : `is not allowed to modify labels: ${forbidden.join(', ')}`,
    );
}

function lease(attributes: Attributes, node: string): void {
  if (attributes.namespace !== 'kube-node-lease')
    throw refuse(attributes, 'can only access leases in the "kube-node-lease" system namespace');
  if (nameOf(attributes) !== node)
    throw refuse(attributes, 'can only access node lease with the same name as the requesting node');
}

function ownName(attributes: Attributes, node: string, kind: string): void {
  if (nameOf(attributes) !== node)
    throw refuse(attributes, `can only access ${kind} with the same name as the requesting node`);
}
