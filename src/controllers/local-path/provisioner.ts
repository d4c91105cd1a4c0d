/**
 * Directories as volumes. Every node with a disk runs its own, so that nothing of a volume is decided anywhere else than
 * where its data lie; nodes that are hollow share one.
 *
 * 1. The directory is there before the volume is, and goes before the volume goes.
 * 2. A volume's name comes from its claim's UID: trying again makes no second one.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../../apis/generated/types/core/v1.ts';
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { classOf, selectedNode } from '../../apis/core/volume-binding/binding.ts';
import { assertNever, messageOf } from '../../base/errors.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { isAlreadyExists, isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../common/resources.ts';
import type { ControllerContext, RunningController } from '../context.ts';
import { finalizer, hostnameOf, localPathProvisioner, type LocalPathNode, planClaim, planVolume } from './plan.ts';

/** The node's disk. */
export interface Directories {
  /** Any user may write into it: who uses it is not known yet. There already is as good. */
  make(path: string): Promise<void>;
  /** With all that is in it; gone already is as good. */
  remove(path: string): Promise<void>;
}

/** What is known of a node by its name; undefined for one whose volumes are another's. */
export type NodesServed = (name: string) => LocalPathNode | undefined;

type LocalPathContext = Pick<ControllerContext, 'client' | 'informers' | 'clock' | 'recorder' | 'onError'>;

export class LocalPathProvisioner implements RunningController {
  readonly #nodes: NodesServed;
  readonly #context: LocalPathContext;
  readonly #directories: Directories;
  readonly #recorder: EventRecorder;
  readonly #claimLoop: KeyedController;
  readonly #volumeLoop: KeyedController;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;

  constructor(nodes: NodesServed, context: LocalPathContext, directories: Directories) {
    this.#nodes = nodes;
    this.#context = context;
    this.#directories = directories;
    this.#recorder = context.recorder(localPathProvisioner);
    const name = 'local-path-provisioner';
    const reconcileClaim = (key: string) => this.#syncClaim(key);
    const reconcileVolume = (key: string) => this.#syncVolume(key);
    this.#claimLoop = new KeyedController(context, { name, queueName: 'local-path claims', reconcile: reconcileClaim });
    this.#volumeLoop = new KeyedController(context, {
      name,
      queueName: 'local-path volumes',
      reconcile: reconcileVolume,
    });
    this.#claims = this.#claimLoop.follows<PersistentVolumeClaim>(persistentVolumeClaims, { on: ['add', 'update'] });
    this.#classes = this.#claimLoop.uses<StorageClass>(storageClasses);
    this.#volumes = this.#volumeLoop.follows<PersistentVolume>(persistentVolumes, { on: ['add', 'update'] });
  }

  start(): void {
    this.#claimLoop.start();
    this.#volumeLoop.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#claimLoop.stop(), this.#volumeLoop.stop()]);
  }

  async #syncClaim(key: string): Promise<Outcome> {
    const claim = this.#claims.get(key);
    if (!claim) return done;
    const node = this.#nodes(claim.metadata.annotations?.[selectedNode] ?? '');
    if (!node) return done;
    const plan = planClaim(claim, this.#classes.get(classOf(claim)), node);
    switch (plan.kind) {
      case 'nothing':
        return done;
      case 'refuse':
        return this.#failed(claim, node, new Error(plan.why));
      case 'make':
        if (this.#volumes.get(plan.volume.metadata.name!)) return done;
        try {
          await this.#directories.make(plan.path);
          await this.#client.create(plan.volume);
        } catch (error) {
          if (isAlreadyExists(error)) return done;
          return this.#failed(claim, node, error);
        }
        this.#recorder.event(
          claim,
          'Normal',
          'ProvisioningSucceeded',
          `Successfully provisioned volume ${plan.volume.metadata.name}`,
        );
        return done;
      default:
        return assertNever(plan, 'plan');
    }
  }

  #failed(claim: Parameters<EventRecorder['event']>[0], node: LocalPathNode, error: unknown): Outcome {
    const message = `failed to provision volume on node ${node.name}: ${messageOf(error)}`;
    this.#recorder.event(claim, 'Warning', 'ProvisioningFailed', message);
    return retry(error);
  }

  async #syncVolume(name: string): Promise<Outcome> {
    const volume = this.#volumes.get(name);
    if (!volume) return done;
    const node = this.#nodes(hostnameOf(volume));
    if (!node) return done;
    const plan = planVolume(volume, node);
    try {
      switch (plan.kind) {
        case 'nothing':
          return done;
        case 'refuse':
          throw new Error(plan.why);
        case 'remove':
          await this.#directories.remove(plan.path);
          if (volume.metadata.deletionTimestamp === undefined)
            await this.#client.delete(name, { preconditions: { uid: volume.metadata.uid! } });
          await this.#letGo(name);
          return done;
        case 'letGo':
          await this.#letGo(name);
          return done;
        default:
          return assertNever(plan, 'plan');
      }
    } catch (error) {
      if (isNotFound(error)) return done;
      this.#recorder.event(volume, 'Warning', 'VolumeFailedDelete', messageOf(error));
      return retry(error);
    }
  }

  async #letGo(name: string): Promise<void> {
    const volume = await this.#client.get(name);
    const { finalizers = [] } = volume.metadata;
    if (!finalizers.includes(finalizer)) return;
    const left = finalizers.filter((f) => f !== finalizer);
    await this.#client.update({ ...volume, metadata: { ...volume.metadata, finalizers: left } });
  }

  get #client() {
    return this.#context.client.resource<PersistentVolume>(persistentVolumes);
  }
}
