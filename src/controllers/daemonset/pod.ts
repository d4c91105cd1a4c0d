/** A DaemonSet's pod on a node: how it is made, where it belongs, whether it may be there. Pure. */
import type { DaemonSet } from '../../apis/generated/types/apps/v1.ts';
import type { Node, Pod, PodSpec, Toleration } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { fitsNode } from '../common/node-affinity.ts';
import { podFromTemplate } from '../common/pods.ts';
import { revisionHashLabel } from '../common/revision-history.ts';
import { tolerates } from '../common/tolerations.ts';

const generationLabel = 'pod-template-generation';

/** Daemons stay on nodes in trouble. */
function daemonTolerations(hostNetwork: boolean | undefined): Toleration[] {
  const always = (name: string, effect: string) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect });
  return [
    always('not-ready', 'NoExecute'),
    always('unreachable', 'NoExecute'),
    always('disk-pressure', 'NoSchedule'),
    always('memory-pressure', 'NoSchedule'),
    always('pid-pressure', 'NoSchedule'),
    always('unschedulable', 'NoSchedule'),
    ...(hostNetwork ? [always('network-unavailable', 'NoSchedule')] : []),
  ];
}

function tolerationsOf(spec: DeepReadonly<PodSpec> | undefined): DeepReadonly<Toleration>[] {
  const own = spec?.tolerations ?? [];
  const isThere = (added: Toleration) =>
    own.some((t) => t.key === added.key && t.effect === added.effect && t.operator === added.operator);
  return [...own, ...daemonTolerations(spec?.hostNetwork).filter((added) => !isThere(added))];
}

/** The scheduler places it, bound to the node by the one field that nothing else can match. */
export function daemonPod(ds: DeepReadonly<DaemonSet>, nodeName: string, hash: string): Pod {
  const { name = '', namespace } = ds.metadata;
  const reference = newControllerRef(ds, 'apps/v1', 'DaemonSet');
  const pod = podFromTemplate(ds.spec?.template, namespace, name, reference);
  const generation = ds.metadata.annotations?.['deprecated.daemonset.template.generation'];
  pod.metadata.labels = {
    ...pod.metadata.labels,
    ...(generation ? { [generationLabel]: generation } : {}),
    [revisionHashLabel]: hash,
  };
  const spec = pod.spec as PodSpec;
  const { nodeAffinity } = spec.affinity ?? {};
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }];
  pod.spec = {
    ...spec,
    affinity: {
      ...spec.affinity,
      nodeAffinity: {
        ...nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
    tolerations: tolerationsOf(spec) as Toleration[],
  };
  return pod;
}

/** The node that a daemon pod is on, or is meant for. */
export function nodeNameOf(pod: DeepReadonly<Pod>): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields } of terms)
    for (const { key, operator, values } of matchFields ?? [])
      if (key === 'metadata.name' && operator === 'In' && values?.length === 1) return values[0]!;
  return '';
}

export interface Fit {
  /** A pod should be made there. */
  readonly shouldRun: boolean;
  /** One that is there may stay. */
  readonly mayStay: boolean;
}

export function fitOf(ds: DeepReadonly<DaemonSet>, node: DeepReadonly<Node>): Fit {
  const spec = ds.spec?.template?.spec;
  const isNamed = !spec?.nodeName || spec.nodeName === node.metadata.name;
  if (!isNamed || !fitsNode(spec, node)) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(spec);
  const untolerated = (node.spec?.taints ?? []).filter(
    (taint) =>
      (taint.effect === 'NoExecute' || taint.effect === 'NoSchedule') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  return {
    shouldRun: untolerated.length === 0,
    mayStay: !untolerated.some((taint) => taint.effect === 'NoExecute'),
  };
}
