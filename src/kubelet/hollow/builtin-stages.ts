/**
 * The life that hollow nodes and pods lead unless Stages say otherwise:
 *
 *   Node:  registered -- node-initialize --> Ready -- node-heartbeat (every 4 to 5 minutes) --> Ready ...
 *   Pod:   bound -- pod-ready --> Running -- pod-complete (of Jobs) --> Succeeded
 *          Running -- pod-readiness (its gates changed) --> Running
 *          deleted -- pod-delete --> gone
 */
import type * as core from '../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { nodeConditions } from './node-conditions.ts';
import { completedStatus, isReadyAsGated, readyConditions, runningStatus } from './pod-status.ts';
import type { CompiledStage } from './stage/stage.ts';

const podOf = (object: KubeObject) => object as core.Pod;
const nodeOf = (object: KubeObject) => object as core.Node;
const at = (ms: number) => () => ms;

function isReady(node: core.Node): boolean {
  return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

function isLive(pod: core.Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined;
}

function healthy(node: core.Node, now: string): unknown {
  const conditions = nodeConditions().map((condition) => {
    const old = node.status?.conditions?.find((c) => c.type === condition.type);
    const since = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: since };
  });
  return { conditions };
}

/** `requirePodCidr`: a node is Ready only once it has a block of pod addresses, as with a network that needs one. */
export function builtinStages(options: { readonly requirePodCidr: boolean }): readonly CompiledStage[] {
  return [
    {
      name: 'node-initialize',
      kind: 'Node',
      weight: 0,
      matches: (object) => !isReady(nodeOf(object)) && (!options.requirePodCidr || !!nodeOf(object).spec?.podCIDR),
      delayMs: at(0),
      status: (object, context) => healthy(nodeOf(object), context.now),
      delete: false,
    },
    {
      // The kubelet reports an unchanged status every five minutes; the Lease shows that it lives.
      name: 'node-heartbeat',
      kind: 'Node',
      weight: 0,
      matches: (object) => isReady(nodeOf(object)),
      delayMs: (_object, _nowMs, random) => 240_000 + random() * 60_000,
      status: (object, context) => healthy(nodeOf(object), context.now),
      delete: false,
    },
    {
      name: 'pod-ready',
      kind: 'Pod',
      weight: 0,
      matches: (object) => isLive(podOf(object)) && (podOf(object).status?.phase ?? 'Pending') === 'Pending',
      delayMs: at(0),
      status: (object, context) => runningStatus(podOf(object), context),
      delete: false,
    },
    {
      name: 'pod-complete',
      kind: 'Pod',
      weight: 0,
      matches: (object) =>
        isLive(podOf(object)) &&
        podOf(object).status?.phase === 'Running' &&
        (object.metadata.ownerReferences?.some((owner) => owner.kind === 'Job') ?? false),
      delayMs: at(0),
      status: (object, context) => completedStatus(podOf(object), context.now),
      delete: false,
    },
    {
      name: 'pod-readiness',
      kind: 'Pod',
      weight: 0,
      matches: (object) =>
        isLive(podOf(object)) && podOf(object).status?.phase === 'Running' && !isReadyAsGated(podOf(object)),
      delayMs: at(0),
      status: (object, context) => ({ conditions: readyConditions(podOf(object), context.now) }),
      delete: false,
    },
    {
      // A second delete would change nothing where finalizers keep the pod.
      name: 'pod-delete',
      kind: 'Pod',
      weight: 0,
      matches: (object) => !isLive(podOf(object)) && object.metadata.deletionGracePeriodSeconds !== 0,
      delayMs: at(0),
      delete: true,
    },
  ];
}
