/** What a volume's attachments should become. Pure. */
import { attachmentName, uniqueVolumeName } from '../../apis/core/volume-binding/attachment.ts';
import type { Volume } from '../../apis/core/volume-binding/binding.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import type { VolumeAttachment } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

/** How long a node that is not ready may keep a volume that no pod uses (upstream's maxWaitForUnmountDuration). */
export const mostUnmountMs = 360_000;
/** The operator says that the node is down for good: nothing there writes any more. */
const outOfService = 'node.kubernetes.io/out-of-service';
/** The kubelet leaves attaching to this controller. */
const managed = 'volumes.kubernetes.io/controller-managed-attach-detach';

export interface VolumeState {
  /** A CSI volume whose driver wants to be asked for attachments. */
  readonly volume: Volume;
  /** Pods that use it: on nodes, not ended. */
  readonly pods: readonly DeepReadonly<Pod>[];
  readonly attachments: readonly DeepReadonly<VolumeAttachment>[];
  node(name: string): DeepReadonly<Node> | undefined;
  /** Since when an attachment is not wanted any more; undefined: it was until now. */
  unwantedSinceMs(name: string): number | undefined;
  readonly nowMs: number;
}

export interface AttachPlan {
  readonly attach: readonly VolumeAttachment[];
  readonly detach: readonly string[];
  /** Pods that have to wait, since others have the volume on another node. */
  readonly refused: readonly { readonly pod: DeepReadonly<Pod>; readonly message: string }[];
  /** Not wanted, but not safe to detach yet: looked at again after `againMs`. */
  readonly unwanted: readonly string[];
  readonly againMs: number | undefined;
}

export function planAttach(state: VolumeState): AttachPlan {
  const { volume, attachments } = state;
  const { driver, volumeHandle } = volume.spec!.csi!;
  const byNode = onManagedNodes(state);
  // Attachments that others have made under other names are theirs.
  const ours = attachments.filter((a) => a.metadata.name === attachmentName(volumeHandle, driver, a.spec.nodeName));
  const attach: VolumeAttachment[] = [];
  const refused: { pod: DeepReadonly<Pod>; message: string }[] = [];
  const holders = new Set(ours.map(({ spec }) => spec.nodeName));
  for (const [nodeName, waiting] of byNode) {
    if (holders.has(nodeName)) continue;
    if (isExclusive(volume) && holders.size > 0) {
      for (const pod of waiting) refused.push({ pod, message: multiAttachError(volume, pod, byNode, holders) });
      continue;
    }
    holders.add(nodeName);
    attach.push({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
      spec: { attacher: driver, nodeName, source: { persistentVolumeName: volume.metadata.name! } },
    });
  }
  const surplus = ours.filter((a) => !byNode.has(a.spec.nodeName) && a.metadata.deletionTimestamp === undefined);
  return { attach, refused, ...planDetach(state, surplus) };
}

function onManagedNodes({ pods, node }: VolumeState): ReadonlyMap<string, readonly DeepReadonly<Pod>[]> {
  const byNode = new Map<string, DeepReadonly<Pod>[]>();
  for (const pod of pods) {
    const nodeName = pod.spec?.nodeName ?? '';
    if (node(nodeName)?.metadata.annotations?.[managed] !== 'true') continue;
    const there = byNode.get(nodeName) ?? [];
    there.push(pod);
    byNode.set(nodeName, there);
  }
  return byNode;
}

function planDetach(state: VolumeState, surplus: readonly DeepReadonly<VolumeAttachment>[]) {
  const { driver, volumeHandle } = state.volume.spec!.csi!;
  const detach: string[] = [];
  const unwanted: string[] = [];
  let againMs: number | undefined;
  for (const { metadata, spec } of surplus) {
    const name = metadata.name!;
    const node = state.node(spec.nodeName);
    const leftMs = mostUnmountMs - (state.nowMs - (state.unwantedSinceMs(name) ?? state.nowMs));
    const isInUse = node?.status?.volumesInUse?.includes(uniqueVolumeName(driver, volumeHandle)) ?? false;
    const isLost = node?.spec?.taints?.some(({ key }) => key === outOfService) ?? false;
    if (!isInUse || isLost || (leftMs <= 0 && !isReady(node))) detach.push(name);
    else {
      unwanted.push(name);
      if (leftMs > 0) againMs = Math.min(againMs ?? leftMs, leftMs);
    }
  }
  return { detach, unwanted, againMs };
}

/** Whether one node alone may have it. */
function isExclusive({ spec }: Volume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length > 0 && !modes.includes('ReadWriteMany') && !modes.includes('ReadOnlyMany');
}

function isReady(node: DeepReadonly<Node> | undefined): boolean {
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** In upstream's words: names of pods in other namespaces are nobody's business. */
function multiAttachError(
  volume: Volume,
  pod: DeepReadonly<Pod>,
  byNode: ReadonlyMap<string, readonly DeepReadonly<Pod>[]>,
  holders: ReadonlySet<string>,
): string {
  const users = [...byNode].flatMap(([node, there]) => (holders.has(node) ? there : []));
  const names = users.flatMap(({ metadata: m }) => (m.namespace === pod.metadata.namespace ? m.name! : []));
  const others = users.length - names.length;
  const elsewhere = `${others} pod(s) in different namespaces`;
  let why = "Volume is already exclusively attached to one node and can't be attached to another";
  if (names.length > 0)
    why = `Volume is already used by pod(s) ${names.join(', ')}${others > 0 ? ` and ${elsewhere}` : ''}`;
  else if (others > 0) why = `Volume is already used by ${elsewhere}`;
  return `Multi-Attach error for volume "${volume.metadata.name}" ${why}`;
}
