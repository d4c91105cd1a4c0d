/**
 * The Node authorizer (upstream: plugin/pkg/auth/authorizer/node): a kubelet may do what the system:node role says, and of
 * that only what concerns its own node and the pods bound to it. Relations are read from the pods in the watch cache at
 * the time of asking.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { Lookup } from '../registry/registry.ts';
import { type AuthorizationAttributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';
import { CompiledRules, type PolicyRule } from './rules.ts';

const allow: Decision = { decision: 'allow', reason: '' };
const refuse = (reason: string): Decision => ({ decision: 'noOpinion', reason });

/** The node whose kubelet this is; undefined for everybody else. */
export function nodeOfUser(user: UserInfo): string | undefined {
  const prefix = 'system:node:';
  if (!user.groups.includes('system:nodes') || !user.username.startsWith(prefix)) return undefined;
  return user.username.slice(prefix.length);
}

/** The parts of a Pod that lead to other objects. */
interface PodRefs extends KubeObject {
  spec?: {
    nodeName?: string;
    serviceAccountName?: string;
    imagePullSecrets?: { name?: string }[];
    volumes?: { name?: string; ephemeral?: object; persistentVolumeClaim?: { claimName?: string } }[];
    containers?: unknown[];
    initContainers?: unknown[];
    ephemeralContainers?: unknown[];
  };
}

interface ClaimRefs extends KubeObject {
  spec?: { volumeName?: string };
}

interface VolumeRefs extends KubeObject {
  spec?: object;
}

const readVerbs = new Set(['get', 'list', 'watch']);

export class NodeAuthorizer implements Authorizer {
  readonly #lookup: Lookup;
  readonly #rules: CompiledRules;

  /** `nodeRules`: those of the system:node role, which upstream compiles in too. */
  constructor(lookup: Lookup, nodeRules: readonly PolicyRule[]) {
    this.#lookup = lookup;
    this.#rules = new CompiledRules(nodeRules);
  }

  authorize(a: AuthorizationAttributes): Decision {
    const node = nodeOfUser(a.user);
    if (node === undefined) return noOpinion;
    const special = a.isResourceRequest ? this.#special(a, node) : undefined;
    return special ?? (this.#rules.allow(a) ? allow : noOpinion);
  }

  /** Undefined where nothing but the role's rules decides. */
  #special(a: AuthorizationAttributes, node: string): Decision | undefined {
    switch (`${a.apiGroup}/${a.resource}`) {
      case '/secrets':
      case '/configmaps':
        return this.#readReferenced(a, node);
      case '/persistentvolumeclaims':
        return a.verb === 'get' && a.subresource === '' ? this.#readReferenced(a, node) : undefined;
      case '/serviceaccounts':
        if (a.subresource === 'token' && a.verb !== 'create')
          return refuse('can only create tokens for a service account');
        return this.#related(a, node);
      case '/nodes':
        if (!readVerbs.has(a.verb) || a.subresource !== '') return undefined;
        return a.name === node ? allow : refuse(`node '${node}' cannot read '${a.name}', only its own Node object`);
      case '/pods':
        return a.subresource === '' ? this.#readPods(a, node) : undefined;
      case 'coordination.k8s.io/leases':
        return this.#ownLease(a, node);
      case 'storage.k8s.io/csinodes':
        if (a.verb === 'create' || (a.name === node && a.subresource === '')) return undefined;
        return refuse('can only access CSINode with the same name as the requesting node');
      default:
        return undefined;
    }
  }

  #readReferenced(a: AuthorizationAttributes, node: string): Decision {
    if (!readVerbs.has(a.verb) || a.subresource !== '') return refuse('can only read resources of this type');
    if (a.name === '') return refuse('no object name found');
    return this.#related(a, node);
  }

  #related(a: AuthorizationAttributes, node: string): Decision {
    for (const pod of this.#lookup.list<PodRefs>('', 'pods', a.namespace))
      if (pod.spec?.nodeName === node && refersTo(pod, a.resource, a.name)) return allow;
    if (a.resource === 'secrets' && this.#isOfVolume(a, node)) return allow;
    return refuse(`no relationship found between node '${node}' and this object`);
  }

  /** Whether a persistent volume that a pod of the node has claimed names the Secret; it may be of another namespace. */
  #isOfVolume(a: AuthorizationAttributes, node: string): boolean {
    for (const pod of this.#lookup.list<PodRefs>('', 'pods', '')) {
      if (pod.spec?.nodeName !== node) continue;
      const { namespace = '', name } = pod.metadata;
      for (const volume of pod.spec.volumes ?? []) {
        const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${name}-${volume.name}`);
        if (claimName === undefined) continue;
        const claim = this.#lookup.get<ClaimRefs>('', 'persistentvolumeclaims', namespace, claimName);
        const bound = claim?.spec?.volumeName;
        const source = bound ? this.#lookup.get<VolumeRefs>('', 'persistentvolumes', '', bound) : undefined;
        if (namesSecret(source?.spec, namespace, a)) return true;
      }
    }
    return false;
  }

  #readPods(a: AuthorizationAttributes, node: string): Decision | undefined {
    if (a.verb === 'get') {
      const pod = this.#lookup.get<PodRefs>('', 'pods', a.namespace, a.name);
      // An absent pod is answered with 404 by the registry: nothing is learnt from that.
      return pod === undefined || pod.spec?.nodeName === node
        ? allow
        : refuse(`no relationship found between node '${node}' and this object`);
    }
    if (a.verb !== 'list' && a.verb !== 'watch') return undefined;
    if (a.nodeNameSelector === node) return allow;
    if (a.name !== '' && this.#lookup.get<PodRefs>('', 'pods', a.namespace, a.name)?.spec?.nodeName === node)
      return allow;
    return refuse('can only list/watch pods with spec.nodeName field selector');
  }

  #ownLease(a: AuthorizationAttributes, node: string): Decision {
    if (!['get', 'create', 'update', 'patch', 'delete'].includes(a.verb))
      return refuse('can only get, create, update, patch, or delete a node lease');
    if (a.namespace !== 'kube-node-lease')
      return refuse('can only access leases in the "kube-node-lease" system namespace');
    // The name of a create is in the body: admission (NodeRestriction) looks at it.
    if (a.verb !== 'create' && a.name !== node)
      return refuse('can only access node lease with the same name as the requesting node');
    return allow;
  }
}

const namedByField: Readonly<Record<string, readonly string[]>> = {
  secrets: ['secret', 'secretRef', 'secretKeyRef', 'nodePublishSecretRef', 'imagePullSecrets'],
  configmaps: ['configMap', 'configMapRef', 'configMapKeyRef'],
  persistentvolumeclaims: ['persistentVolumeClaim'],
};

/** Whether a Pod's spec names that Secret, ConfigMap, claim or ServiceAccount anywhere, or has a template for the claim. */
function refersTo(pod: PodRefs, resource: string, name: string): boolean {
  if (resource === 'serviceaccounts') return (pod.spec?.serviceAccountName ?? 'default') === name;
  if (resource === 'persistentvolumeclaims' && hasTemplateOf(pod, name)) return true;
  const fields = namedByField[resource] ?? [];
  return refersWithin(pod.spec, fields, name);
}

/** References of a volume's source that end in `secretRef`; those without a namespace mean the claim's. */
function namesSecret(value: unknown, namespace: string, wanted: AuthorizationAttributes): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, child]) => {
    if (typeof child !== 'object' || child === null) return false;
    if (!/secretref$/i.test(key)) return namesSecret(child, namespace, wanted);
    const reference = child as { name?: string; namespace?: string };
    return reference.name === wanted.name && (reference.namespace || namespace) === wanted.namespace;
  });
}

function hasTemplateOf({ metadata, spec }: PodRefs, claim: string): boolean {
  return Boolean(spec?.volumes?.some((v) => v.ephemeral !== undefined && `${metadata.name}-${v.name}` === claim));
}

function refersWithin(value: unknown, fields: readonly string[], name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => refersWithin(item, fields, name));
  for (const [key, child] of Object.entries(value)) {
    if (typeof child !== 'object' || child === null) continue;
    if (fields.includes(key) && (Array.isArray(child) ? child : [child]).some((ref) => namesIt(ref, name))) return true;
    if (refersWithin(child, fields, name)) return true;
  }
  return false;
}

/** References spell the name `name`, volumes of Secrets `secretName`, volumes of claims `claimName`. */
function namesIt(ref: unknown, name: string): boolean {
  if (typeof ref !== 'object' || ref === null) return false;
  const r = ref as Record<string, unknown>;
  return r.name === name || r.secretName === name || r.claimName === name;
}
