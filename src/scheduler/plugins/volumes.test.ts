import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import { type NodeFields, type PodFields, cacheOf, node, pluginHandle, pod, podInfo } from '../fixtures.suite.ts';
import { CycleState } from '../framework/cycle-state.ts';
import { Action, type ClusterChange, type FollowedKind } from '../framework/events.ts';
import type { Volume } from '../framework/objects.ts';
import type { Plugin } from '../framework/plugin.ts';
import { defaultPlugins } from './index.ts';

type Objects = Record<string, KubeObject[]>;

const uses = (...claimNames: string[]): PodFields => ({
  volumes: claimNames.map((claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } })),
});
const claim = (name: string, spec: object = {}, annotations: Record<string, string> = {}, more: object = {}) =>
  ({ metadata: { name, namespace: 'default', uid: name, annotations }, spec, ...more }) as KubeObject;
const bound = (name: string, volumeName: string, spec: object = {}) =>
  claim(name, { volumeName, ...spec }, { 'pv.kubernetes.io/bind-completed': 'yes' });
const request = (storage: string) => ({ resources: { requests: { storage } } });
const volume = (name: string, spec: object = {}, labels: Record<string, string> = {}) =>
  ({ metadata: { name, labels }, spec, status: { phase: 'Available' } }) as KubeObject;
const onNode = (...names: string[]) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: names }] }],
    },
  },
});
const lateClass = (provisioner = 'example.com/p', more: object = {}) =>
  ({ metadata: { name: 'late' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer', ...more }) as KubeObject;
const csiNode = (count: number) =>
  ({
    metadata: { name: 'n1' },
    spec: { drivers: [{ name: 'd', nodeID: 'n1', allocatable: { count } }] },
  }) as KubeObject;
const csi = (volumeHandle: string) => ({ csi: { driver: 'd', volumeHandle } });

interface Case {
  readonly pod: PodFields;
  readonly node?: NodeFields;
  readonly objects?: Objects;
  readonly there?: readonly PodFields[];
  /** Pods of another node. */
  readonly elsewhere?: readonly PodFields[];
  readonly want?: readonly [code: string, ...reasons: string[]];
}

const disk = (source: Partial<Volume>): PodFields => ({ volumes: [{ name: 'd', ...source }] });
const gce = (readOnly: boolean) => disk({ gcePersistentDisk: { pdName: 'p', readOnly } });
const rbd = (monitors: string[], readOnly = false) => disk({ rbd: { monitors, image: 'i', pool: 'p', readOnly } });
const noDisk = ['Unschedulable', 'node(s) had no available disk'] as const;
const claimTaken = [
  'Unschedulable',
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
] as const;
const noZone = ['UnschedulableAndUnresolvable', 'node(s) had no available volume zone'] as const;
const unresolvable = (...reasons: string[]) => ['UnschedulableAndUnresolvable', ...reasons] as const;
const tooMany = ['Unschedulable', 'node(s) exceed max volume count'] as const;
const zone = 'topology.kubernetes.io/zone';
const betaZone = 'failure-domain.beta.kubernetes.io/zone';
const exclusive = { persistentvolumeclaims: [claim('c', { accessModes: ['ReadWriteOncePod'] })] };
const late = { storageClassName: 'late', accessModes: ['ReadWriteOnce'], ...request('1Gi') };
const roomy = { storageClassName: 'late', accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' } };
const driver = { metadata: { name: 'example.com/p' }, spec: { storageCapacity: true } } as KubeObject;
const capacity = (maximumVolumeSize: string, hostname: string) =>
  ({
    metadata: { name: 'room' },
    storageClassName: 'late',
    nodeTopology: { matchLabels: { 'kubernetes.io/hostname': hostname } },
    maximumVolumeSize,
  }) as KubeObject;

const cases: Record<string, Record<string, Case>> = {
  VolumeRestrictions: {
    'no volumes': { pod: {} },
    'a disk that is free': { pod: gce(false), there: [{}] },
    'a disk that is taken': { pod: gce(false), there: [gce(true)], want: noDisk },
    'a disk that both read': { pod: gce(true), there: [gce(true)] },
    'an EBS volume is never shared': {
      pod: disk({ awsElasticBlockStore: { volumeID: 'v', readOnly: true } }),
      there: [disk({ awsElasticBlockStore: { volumeID: 'v', readOnly: true } })],
      want: noDisk,
    },
    'an iSCSI target': {
      pod: disk({ iscsi: { iqn: 'i', lun: 0, targetPortal: 'p' } }),
      there: [disk({ iscsi: { iqn: 'i', lun: 1, targetPortal: 'q' } })],
      want: noDisk,
    },
    'an RBD image by a common monitor': { pod: rbd(['a', 'b']), there: [rbd(['b', 'c'])], want: noDisk },
    'an RBD image of other monitors': { pod: rbd(['a']), there: [rbd(['b'])] },
    'a claim for one pod that nobody uses': { pod: uses('c'), objects: exclusive },
    'a claim for one pod that a pod elsewhere uses': {
      pod: uses('c'),
      objects: exclusive,
      elsewhere: [uses('c')],
      want: claimTaken,
    },
    'a claim for all': { pod: uses('c'), objects: { persistentvolumeclaims: [claim('c')] }, there: [uses('c')] },
    'a claim that is not there': { pod: uses('c'), want: unresolvable('persistentvolumeclaim "c" not found') },
  },
  VolumeZone: {
    'no zones on the node': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', {}, { [zone]: 'a' })] },
    },
    'the same zone': {
      pod: uses('c'),
      node: { labels: { [zone]: 'a' } },
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', {}, { [zone]: 'a' })] },
    },
    'one of several zones, by the older label': {
      pod: uses('c'),
      node: { labels: { [zone]: 'b' } },
      objects: {
        persistentvolumeclaims: [bound('c', 'v')],
        persistentvolumes: [volume('v', {}, { [betaZone]: 'a__b' })],
      },
    },
    'another zone': {
      pod: uses('c'),
      node: { labels: { [zone]: 'b' } },
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', {}, { [zone]: 'a' })] },
      want: noZone,
    },
    'a claim that waits for its first consumer': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c', late)], storageclasses: [lateClass()] },
    },
    'a claim without volume and class': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c')] },
      want: unresolvable('PersistentVolumeClaim had no pv name and storageClass name'),
    },
    'a claim of a class that is not there': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c', late)] },
      want: unresolvable('storageclass.storage.k8s.io "late" not found'),
    },
  },
  NodeVolumeLimits: {
    'within the limit': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [bound('c', 'v'), bound('d', 'w')],
        persistentvolumes: [volume('v', csi('1')), volume('w', csi('2'))],
        csinodes: [csiNode(2)],
      },
      there: [uses('d')],
    },
    'over the limit': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [bound('c', 'v'), bound('d', 'w')],
        persistentvolumes: [volume('v', csi('1')), volume('w', csi('2'))],
        csinodes: [csiNode(1)],
      },
      there: [uses('d')],
      want: tooMany,
    },
    'a volume that is there already counts once': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [bound('c', 'v')],
        persistentvolumes: [volume('v', csi('1'))],
        csinodes: [csiNode(1)],
      },
      there: [uses('c')],
    },
    'a volume that is still attached counts': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [bound('c', 'v')],
        persistentvolumes: [volume('v', csi('1')), volume('w', csi('2'))],
        csinodes: [csiNode(1)],
        volumeattachments: [
          { metadata: { name: 'a' }, spec: { attacher: 'd', nodeName: 'n1', source: { persistentVolumeName: 'w' } } },
        ] as unknown as KubeObject[],
      },
      want: tooMany,
    },
    'a claim without a volume counts by its class': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [lateClass('d')],
        csinodes: [csiNode(0)],
      },
      want: tooMany,
    },
    'a node without drivers has no limit': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', csi('1'))] },
    },
  },
  VolumeBinding: {
    'no claims': { pod: {} },
    'a claim that is not there': { pod: uses('c'), want: unresolvable('persistentvolumeclaim "c" not found') },
    'a claim that is going': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [
          {
            ...claim('c'),
            metadata: { name: 'c', namespace: 'default', deletionTimestamp: '2026-01-01T00:00:00Z' },
          },
        ],
      },
      want: unresolvable('persistentvolumeclaim "c" is being deleted'),
    },
    'a claim that has lost its volume': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c', { volumeName: 'v' }, {}, { status: { phase: 'Lost' } })] },
      want: unresolvable('persistentvolumeclaim "c" bound to non-existent persistentvolume "v"'),
    },
    'an ephemeral claim that is not made yet': {
      pod: { volumes: [{ name: 'e', ephemeral: {} }] },
      want: unresolvable('waiting for ephemeral volume controller to create the persistentvolumeclaim "new-e"'),
    },
    "an ephemeral claim that is another's": {
      pod: { volumes: [{ name: 'e', ephemeral: {} }] },
      objects: { persistentvolumeclaims: [claim('new-e')] },
      want: unresolvable('PVC default/new-e was not created for pod default/new (pod is not owner)'),
    },
    'a claim that nobody binds for it': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c')] },
      want: unresolvable('pod has unbound immediate PersistentVolumeClaims'),
    },
    'a bound volume of this node': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', onNode('n1'))] },
    },
    'a bound volume of another node': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [bound('c', 'v')], persistentvolumes: [volume('v', onNode('n2'))] },
      want: unresolvable("node(s) didn't match PersistentVolume's node affinity"),
    },
    'a bound volume that is gone': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [bound('c', 'v')] },
      want: unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'),
    },
    'a free volume here': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [lateClass('kubernetes.io/no-provisioner')],
        persistentvolumes: [volume('v', { ...roomy, ...onNode('n1') })],
      },
    },
    'free volumes elsewhere only': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [lateClass('kubernetes.io/no-provisioner')],
        persistentvolumes: [volume('v', { ...roomy, ...onNode('n2') })],
      },
      want: unresolvable("node(s) didn't find available persistent volumes to bind"),
    },
    'two claims and one volume': {
      pod: uses('c', 'd'),
      objects: {
        persistentvolumeclaims: [claim('c', late), claim('d', late)],
        storageclasses: [lateClass('kubernetes.io/no-provisioner')],
        persistentvolumes: [volume('v', roomy)],
      },
      want: unresolvable("node(s) didn't find available persistent volumes to bind"),
    },
    'a provisioner makes it': {
      pod: uses('c'),
      objects: { persistentvolumeclaims: [claim('c', late)], storageclasses: [lateClass()] },
    },
    'a provisioner is at it for another node': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late, { 'volume.kubernetes.io/selected-node': 'n2' })],
        storageclasses: [lateClass()],
      },
      want: unresolvable("node(s) didn't find available persistent volumes to bind"),
    },
    'a provisioner that serves other topologies': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [
          lateClass('example.com/p', {
            allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ['a'] }] }],
          }),
        ],
      },
      want: unresolvable("node(s) didn't find available persistent volumes to bind"),
    },
    'a driver with room': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [lateClass()],
        csidrivers: [driver],
        csistoragecapacities: [capacity('1Gi', 'n1')],
      },
    },
    'a driver with room elsewhere only': {
      pod: uses('c'),
      objects: {
        persistentvolumeclaims: [claim('c', late)],
        storageclasses: [lateClass()],
        csidrivers: [driver],
        csistoragecapacities: [capacity('1Gi', 'n2'), capacity('1Mi', 'n1')],
      },
      want: unresolvable('node(s) did not have enough free storage'),
    },
  },
};

function made(name: string, objects: Objects = {}, c?: Case): { readonly plugin: Plugin; readonly info: NodeInfo } {
  const place = (fields: readonly PodFields[] = [], nodeName: string) =>
    fields.map((f, i) => pod(`${nodeName}-${i}`, { ...f, nodeName }));
  const nodes = [node('n1', c?.node ?? {}), node('n2')];
  const cache = cacheOf(nodes, [...place(c?.there, 'n1'), ...place(c?.elsewhere, 'n2')]);
  const plugin = defaultPlugins.find((p) => p.name === name)!.create(pluginHandle(cache, objects));
  return { plugin, info: cache.nodeInfo('n1')! };
}

describe.each(Object.entries(cases))('%s', (name, table) => {
  test.each(Object.entries(table))('%s', (_what, c) => {
    const { plugin, info } = made(name, c.objects, c);
    const state = new CycleState();
    const incoming = podInfo('new', c.pod);
    let status = plugin.preFilter!(state, incoming)?.status;
    if (status === undefined) status = plugin.filter!(state, incoming, info);
    const answer = status === undefined || status.code === 'Skip' ? undefined : [status.code, ...status.reasons];
    expect(answer).toEqual(c.want);
  });
});

test('VolumeRestrictions: a dry run that removes the user of the claim lets the pod in', () => {
  const { plugin, info } = made('VolumeRestrictions', exclusive, { pod: uses('c'), there: [uses('c')] });
  const state = new CycleState();
  const incoming = podInfo('new', uses('c'));
  plugin.preFilter!(state, incoming);
  expect(plugin.filter!(state, incoming, info)?.code).toBe('Unschedulable');
  const victim = [...info.pods.values()][0]!;
  plugin.removePod!(state, incoming, victim, info);
  expect(plugin.filter!(state, incoming, info)).toBeUndefined();
  plugin.addPod!(state, incoming, victim, info);
  expect(plugin.filter!(state, incoming, info)?.code).toBe('Unschedulable');
});

describe('what wakes a pod', () => {
  const change = (resource: FollowedKind, action: number, now: object, old?: object): ClusterChange => ({
    event: { resource, action, label: '' },
    old: old as KubeObject,
    new: now as KubeObject,
  });
  test.each<[what: string, plugin: string, PodFields, ClusterChange, want: string[]]>([
    ['its claim', 'VolumeBinding', uses('c'), change('PersistentVolumeClaim', Action.Add, claim('c')), ['Queue']],
    ['another claim', 'VolumeBinding', uses('c'), change('PersistentVolumeClaim', Action.Add, claim('d')), ['Skip']],
    ['a volume', 'VolumeBinding', uses('c'), change('PersistentVolume', Action.Add, volume('v')), ['Queue']],
    ['a class', 'VolumeBinding', uses('c'), change('StorageClass', Action.Add, lateClass()), ['Queue']],
    [
      'a class that only its parameters changed of',
      'VolumeBinding',
      uses('c'),
      change('StorageClass', Action.Update, lateClass(), lateClass()),
      ['Skip'],
    ],
    [
      'more room',
      'VolumeBinding',
      uses('c'),
      change('CSIStorageCapacity', Action.Update, capacity('2Gi', 'n1'), capacity('1Gi', 'n1')),
      ['Queue'],
    ],
    [
      'less room',
      'VolumeBinding',
      uses('c'),
      change('CSIStorageCapacity', Action.Update, capacity('1Gi', 'n1'), capacity('2Gi', 'n1')),
      ['Skip'],
    ],
    [
      'a higher limit',
      'NodeVolumeLimits',
      uses('c'),
      change('CSINode', Action.Update, csiNode(2), csiNode(1)),
      ['Queue'],
    ],
    [
      'a lower limit',
      'NodeVolumeLimits',
      uses('c'),
      change('CSINode', Action.Update, csiNode(1), csiNode(2)),
      ['Skip'],
    ],
    [
      'a volume in another zone now',
      'VolumeZone',
      uses('c'),
      change('PersistentVolume', Action.Update, volume('v', {}, { [zone]: 'b' }), volume('v', {}, { [zone]: 'a' })),
      ['Queue'],
    ],
    [
      'a volume in the same zone',
      'VolumeZone',
      uses('c'),
      change('PersistentVolume', Action.Update, volume('v', {}, { [zone]: 'a' }), volume('v', {}, { [zone]: 'a' })),
      ['Skip'],
    ],
    [
      'its claim, for restrictions',
      'VolumeRestrictions',
      uses('c'),
      change('PersistentVolumeClaim', Action.Add, claim('c')),
      ['Queue'],
    ],
  ])('%s: %s', (_what, name, fields, what, want) => {
    const registered = made(name).plugin.eventsToRegister!();
    const hints = registered
      .filter((e) => e.resource === what.event.resource && (e.action & what.event.action) !== 0)
      .map((e) => e.hint?.(pod('new', fields), what) ?? 'Queue');
    expect(hints).toEqual(want);
  });
});
