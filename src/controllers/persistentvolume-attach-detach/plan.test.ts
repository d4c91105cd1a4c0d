import { describe, expect, test } from 'vitest';
import { attachmentName } from '../../apis/core/volume-binding/attachment.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import type { VolumeAttachment } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { mostUnmountMs, planAttach, type VolumeState } from './plan.ts';

const unique = 'kubernetes.io/csi/d^h';
const pod = (name: string, nodeName: string, namespace = 'default'): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [], nodeName },
});
const node = (
  name: string,
  changes: { inUse?: boolean; ready?: boolean; out?: boolean; managed?: boolean } = {},
): Node => ({
  metadata: {
    name,
    annotations: changes.managed === false ? {} : { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
  },
  spec: changes.out ? { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] } : {},
  status: {
    ...(changes.inUse && { volumesInUse: [unique] }),
    conditions: [{ type: 'Ready', status: changes.ready === false ? 'False' : 'True' }],
  },
});
const attachment = (nodeName: string, metadata: object = {}): VolumeAttachment => ({
  metadata: { name: attachmentName('h', 'd', nodeName), ...metadata },
  spec: { attacher: 'd', nodeName, source: { persistentVolumeName: 'v' } },
});

function plan(
  changes: Partial<Pick<VolumeState, 'pods' | 'attachments'>> & {
    nodes?: readonly Node[];
    modes?: string[];
    unwantedMs?: number;
  },
) {
  const {
    pods = [],
    attachments = [],
    nodes = [node('n1'), node('n2')],
    modes = ['ReadWriteOnce'],
    unwantedMs,
  } = changes;
  const done = planAttach({
    volume: { metadata: { name: 'v' }, spec: { accessModes: modes, csi: { driver: 'd', volumeHandle: 'h' } } },
    pods,
    attachments,
    node: (name) => nodes.find(({ metadata }) => metadata.name === name),
    unwantedSinceMs: () => (unwantedMs === undefined ? undefined : 1_000_000 - unwantedMs),
    nowMs: 1_000_000,
  });
  return {
    attach: done.attach.map(({ spec }) => spec.nodeName),
    detach: done.detach.length,
    refused: done.refused.map(({ pod: { metadata }, message }) => `${metadata.name}: ${message}`),
    againMs: done.againMs,
  };
}
const nothing = { attach: [], detach: 0, refused: [], againMs: undefined };

describe('attaching', () => {
  test.each<[what: string, Parameters<typeof plan>[0], Partial<ReturnType<typeof plan>>]>([
    ['nobody uses it', {}, {}],
    ['a pod uses it', { pods: [pod('a', 'n1')] }, { attach: ['n1'] }],
    ['two pods of one node use it', { pods: [pod('a', 'n1'), pod('b', 'n1')] }, { attach: ['n1'] }],
    ['it is attached', { pods: [pod('a', 'n1')], attachments: [attachment('n1')] }, {}],
    ['the node sees to it itself', { pods: [pod('a', 'n1')], nodes: [node('n1', { managed: false })] }, {}],
    [
      'many nodes may have it',
      { pods: [pod('a', 'n1'), pod('b', 'n2')], modes: ['ReadWriteMany'] },
      { attach: ['n1', 'n2'] },
    ],
    [
      'another node has it, for a pod',
      { pods: [pod('a', 'n1'), pod('b', 'n2')], attachments: [attachment('n1')] },
      { refused: ['b: Multi-Attach error for volume "v" Volume is already used by pod(s) a'] },
    ],
    [
      "another node has it, for somebody else's pod",
      { pods: [pod('a', 'n1', 'other'), pod('b', 'n2')], attachments: [attachment('n1')] },
      { refused: ['b: Multi-Attach error for volume "v" Volume is already used by 1 pod(s) in different namespaces'] },
    ],
    [
      'another node still has it',
      { pods: [pod('b', 'n2')], attachments: [attachment('n1', { deletionTimestamp: '2026-01-01T00:00:00Z' })] },
      {
        refused: [
          `b: Multi-Attach error for volume "v" Volume is already exclusively attached to one node and can't be attached to another`,
        ],
      },
    ],
  ])('%s', (_what, state, want) => {
    expect(plan(state)).toEqual({ ...nothing, ...want });
  });
});

describe('detaching', () => {
  const attachments = [attachment('n1')];
  const inUse = { inUse: true };
  test.each<[what: string, Parameters<typeof plan>[0], Partial<ReturnType<typeof plan>>]>([
    ['no pod uses it', { attachments }, { detach: 1 }],
    ['the node is gone', { attachments, nodes: [] }, { detach: 1 }],
    ['it is mounted still', { attachments, nodes: [node('n1', inUse)] }, { againMs: mostUnmountMs }],
    [
      'it is mounted for long, by a healthy node',
      { attachments, nodes: [node('n1', inUse)], unwantedMs: mostUnmountMs },
      {},
    ],
    [
      'it is mounted for long, by a node that is not ready',
      { attachments, nodes: [node('n1', { ...inUse, ready: false })], unwantedMs: mostUnmountMs },
      { detach: 1 },
    ],
    [
      'it is mounted by a node that is not ready, not for long',
      { attachments, nodes: [node('n1', { ...inUse, ready: false })], unwantedMs: 1_000 },
      { againMs: mostUnmountMs - 1_000 },
    ],
    [
      'it is mounted by a node that is out of service',
      { attachments, nodes: [node('n1', { ...inUse, out: true })] },
      { detach: 1 },
    ],
    ['it is going', { attachments: [attachment('n1', { deletionTimestamp: '2026-01-01T00:00:00Z' })] }, {}],
    ['it is not ours', { attachments: [attachment('n1', { name: 'made-by-hand' })] }, {}],
  ])('%s', (_what, state, want) => {
    expect(plan(state)).toEqual({ ...nothing, ...want });
  });
});
