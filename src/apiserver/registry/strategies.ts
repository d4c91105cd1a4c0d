/** The strategies of a resource: the kind's own where it has them, and what every kind does where it has not. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import type { Strategy } from '../../apis/kind.ts';
import type { Resource } from './resource.ts';

/** Kinds whose metadata.generation counts changes of what users ask for, and that have no strategy of their own to do it. */
const counted = new Set([
  'apps/DaemonSet',
  'apps/Deployment',
  'apps/ReplicaSet',
  'apps/StatefulSet',
  '/PodTemplate',
  '/ReplicationController',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'batch/CronJob',
  'batch/Job',
  'discovery.k8s.io/EndpointSlice',
  'flowcontrol.apiserver.k8s.io/FlowSchema',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
  'networking.k8s.io/Ingress',
  'networking.k8s.io/IngressClass',
  'networking.k8s.io/NetworkPolicy',
  'networking.k8s.io/ServiceCIDR',
  'policy/PodDisruptionBudget',
  'resource.k8s.io/DeviceClass',
  'resource.k8s.io/ResourceSlice',
  'scheduling.k8s.io/PriorityClass',
]);

type Fields = Record<string, unknown>;
const notCounted = new Set(['kind', 'apiVersion', 'metadata', 'status']);

/** Whether something other than metadata and status differs. */
function contentChanged(object: KubeObject, old: KubeObject): boolean {
  const a = object as unknown as Fields;
  const b = old as unknown as Fields;
  for (const key of Object.keys(a)) if (!notCounted.has(key) && !semanticEqual(a[key], b[key])) return true;
  for (const key of Object.keys(b)) if (!notCounted.has(key) && !semanticEqual(a[key], b[key])) return true;
  return false;
}

/** Makes `object` have the status of `from`. */
function takeStatus(object: KubeObject, from: KubeObject): void {
  const status = (from as { status?: unknown }).status;
  if (status === undefined) delete (object as { status?: unknown }).status;
  else (object as { status?: unknown }).status = status;
}

/** For the main resource. */
export function mainStrategy(resource: Resource): Strategy {
  const hasStatus = resource.subresources.some((s) => s.name === 'status');
  const isCounted = counted.has(`${resource.group}/${resource.kind}`);
  const common: Strategy = {
    prepareForCreate(object) {
      if (hasStatus) delete (object as { status?: unknown }).status;
      if (isCounted) object.metadata.generation = 1;
      else delete object.metadata.generation;
    },
    prepareForUpdate(object, old) {
      if (hasStatus) takeStatus(object, old);
      if (isCounted && contentChanged(object, old))
        object.metadata.generation = Number(old.metadata.generation ?? 0) + 1;
    },
  };
  return { ...common, ...resource.kindInfo.strategy };
}

/** For `status`: all but status and metadata stays as it is stored. */
const statusStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const target = object as unknown as Fields;
    for (const key of Object.keys(target)) if (!notCounted.has(key)) delete target[key];
    for (const [key, value] of Object.entries(old)) if (!notCounted.has(key)) target[key] = value;
  },
};

export function subresourceStrategy(resource: Resource, subresource: string): Strategy | undefined {
  const own = resource.kindInfo.subresources?.[subresource];
  switch (subresource) {
    case 'status':
    case 'approval':
      return { ...statusStrategy, ...own };
    case 'scale':
      return own ?? mainStrategy(resource);
    case 'binding':
      return {};
    default:
      return own;
  }
}
