/**
 * Attaches CSI volumes to the nodes whose pods use them, by VolumeAttachments that the drivers carry out, and tells the
 * nodes. A volume is the key: who may have it is decided in one place.
 */
import { attachmentName, uniqueVolumeName } from '../../apis/core/volume-binding/attachment.ts';
import { keyOfReference } from '../../apis/core/volume-binding/binding.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import type { CSIDriver, VolumeAttachment } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { isPodTerminal } from '../common/pods.ts';
import {
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { claimsOf } from '../persistentvolumeclaim-protection/plan.ts';
import { planAttach } from './plan.ts';

export const attachDetachController: ControllerDescriptor = {
  name: 'persistentvolume-attach-detach-controller',
  alias: 'attachdetach',
  serviceAccount: 'attachdetach-controller',
  create: (context) => new AttachDetachController(context),
};

/** Pods that have to wait for another node are told again after this. */
const refusedAgainMs = 15_000;

class AttachDetachController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #volumeLoop: KeyedController;
  readonly #nodeLoop: KeyedController;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #drivers: Informer<CSIDriver>;
  readonly #nodes: Informer<Node>;
  /** By name of an attachment: since when no pod of its node uses it. */
  readonly #unwantedSince = new Map<string, number>();
  /** Attachments of ours that have not been told of: by name, what was told last. */
  readonly #untold = new Map<string, string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('attachdetach-controller');
    const { name } = attachDetachController;
    this.#volumeLoop = new KeyedController(context, {
      name,
      queueName: 'attachdetach_volumes',
      reconcile: (key) => this.#syncVolume(key),
    });
    this.#nodeLoop = new KeyedController(context, {
      name,
      queueName: 'attachdetach_nodes',
      reconcile: (key) => this.#syncNode(key),
    });
    this.#claims = this.#volumeLoop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      changed: (old, claim) => old.spec?.volumeName !== claim.spec?.volumeName,
      keys: ({ spec }) => (spec?.volumeName ? [spec.volumeName] : []),
    });
    this.#pods = this.#volumeLoop.follows<Pod>(pods, {
      changed: (old, pod) => old.spec?.nodeName !== pod.spec?.nodeName || isPodTerminal(old) !== isPodTerminal(pod),
      keys: (pod) => claimsOf(pod).flatMap((claim) => this.#claims.get(claim)?.spec?.volumeName ?? []),
    });
    this.#pods.addIndex('byClaim', claimsOf);
    this.#volumes = this.#volumeLoop.uses<PersistentVolume>(persistentVolumes);
    this.#drivers = this.#volumeLoop.uses<CSIDriver>(csiDrivers);
    this.#attachments = this.#volumeLoop.follows<VolumeAttachment>(volumeAttachments, {
      keys: ({ spec }) => (spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []),
    });
    this.#attachments.addIndex('byVolume', ({ spec }) => [spec.source.persistentVolumeName ?? '']);
    this.#attachments.addIndex('byNodeOfAttachment', ({ spec }) => [spec.nodeName]);
    this.#nodes = this.#volumeLoop.follows<Node>(nodes, {
      on: ['update', 'delete'],
      changed: (old, node) =>
        !semanticEqual(old.status?.volumesInUse, node.status?.volumesInUse) ||
        !semanticEqual(old.spec?.taints, node.spec?.taints),
      keys: ({ metadata }) =>
        this.#attachments
          .byIndex('byNodeOfAttachment', metadata.name ?? '')
          .flatMap(({ spec }) => spec.source.persistentVolumeName ?? []),
    });
    this.#nodeLoop.follows<VolumeAttachment>(volumeAttachments, { keys: ({ spec }) => [spec.nodeName] });
    this.#nodeLoop.uses<Node>(nodes);
    this.#nodeLoop.uses<PersistentVolume>(persistentVolumes);
  }

  start(): void {
    this.#volumeLoop.start();
    this.#nodeLoop.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#volumeLoop.stop(), this.#nodeLoop.stop()]);
  }

  async #syncVolume(name: string): Promise<Outcome> {
    const volume = this.#volumes.get(name);
    const csi = volume?.spec?.csi;
    if (!volume || !csi || this.#drivers.get(csi.driver)?.spec.attachRequired === false) return done;
    const users = this.#usersOf(volume);
    const attachments = this.#attachments.byIndex('byVolume', name);
    const plan = planAttach({
      volume,
      pods: users,
      attachments,
      node: (node) => this.#nodes.get(node),
      unwantedSinceMs: (attachment) => this.#unwantedSince.get(attachment),
      nowMs: this.#context.clock.now(),
    });
    const client = this.#context.client.resource<VolumeAttachment>(volumeAttachments);
    try {
      for (const attachment of plan.attach) {
        this.#untold.set(attachment.metadata.name!, '');
        await client.create(attachment).catch((error) => {
          if (!isAlreadyExists(error)) throw error;
        });
      }
      for (const attachment of plan.detach)
        await client.delete(attachment).catch((error) => {
          if (!isNotFound(error)) throw error;
        });
    } catch (error) {
      return retry(error);
    }
    this.#remember(attachments, plan.unwanted);
    for (const { pod, message } of plan.refused) this.#recorder.event(pod, 'Warning', 'FailedAttachVolume', message);
    for (const attachment of attachments) this.#tell(volume, attachment, users);
    const againMs = Math.min(plan.againMs ?? Infinity, plan.refused.length > 0 ? refusedAgainMs : Infinity);
    return againMs === Infinity ? done : requeueAfter(againMs);
  }

  #usersOf(volume: DeepReadonly<PersistentVolume>): readonly DeepReadonly<Pod>[] {
    const reference = volume.spec?.claimRef;
    if (!reference) return [];
    const key = keyOfReference(reference);
    const claim = this.#claims.get(key);
    if (claim?.metadata.uid !== reference.uid || claim?.spec?.volumeName !== volume.metadata.name) return [];
    return this.#pods.byIndex('byClaim', key).filter((pod) => pod.spec?.nodeName && !isPodTerminal(pod));
  }

  #remember(attachments: readonly DeepReadonly<VolumeAttachment>[], unwanted: readonly string[]): void {
    for (const { metadata } of attachments)
      if (!unwanted.includes(metadata.name!)) this.#unwantedSince.delete(metadata.name!);
    for (const name of unwanted)
      if (!this.#unwantedSince.has(name)) this.#unwantedSince.set(name, this.#context.clock.now());
  }

  /** The pods hear of what became of an attachment, once. */
  #tell(
    volume: DeepReadonly<PersistentVolume>,
    { metadata, spec, status }: DeepReadonly<VolumeAttachment>,
    users: readonly DeepReadonly<Pod>[],
  ): void {
    const name = metadata.name!;
    const told = this.#untold.get(name);
    if (told === undefined) return;
    const failure = status?.attachError?.message ?? '';
    if (status?.attached !== true && (failure === '' || failure === told)) return;
    for (const pod of users) {
      if (pod.spec?.nodeName !== spec.nodeName) continue;
      const of = `for volume "${volume.metadata.name}"`;
      if (status?.attached === true)
        this.#recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded ${of} `);
      else this.#recorder.event(pod, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed ${of} : ${failure}`);
    }
    if (status?.attached === true) this.#untold.delete(name);
    else this.#untold.set(name, failure);
  }

  /** What is attached stands in the node's status: the kubelet and people look there. */
  async #syncNode(name: string): Promise<Outcome> {
    const node = this.#nodes.get(name);
    if (!node) return done;
    const attached = this.#attachments
      .byIndex('byNodeOfAttachment', name)
      .filter(({ metadata, status }) => status?.attached === true && metadata.deletionTimestamp === undefined)
      .flatMap(({ metadata, spec }) => {
        const csi = this.#volumes.get(spec.source.persistentVolumeName ?? '')?.spec?.csi;
        if (!csi || metadata.name !== attachmentName(csi.volumeHandle, csi.driver, name)) return [];
        return [{ name: uniqueVolumeName(csi.driver, csi.volumeHandle), devicePath: '' }];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (semanticEqual(node.status?.volumesAttached ?? [], attached)) return done;
    const patch = { status: { volumesAttached: attached.length > 0 ? attached : null } };
    try {
      await this.#context.client.resource<Node>(nodes).patch(name, 'merge', patch, { subresource: 'status' });
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
