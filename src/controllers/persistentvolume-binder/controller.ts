/**
 * Binds claims to volumes, and releases volumes whose claims are gone.
 *
 * 1. A binding is four writes: the volume, its status, the claim, its status. Each later one is made only after the
 *    earlier; whoever finds a binding half made finishes it, or takes it back when the claim went elsewhere.
 * 2. Every write carries the revision that was read, so that two claims never get one volume however old the caches are.
 * 3. A claim is not planned from a state older than what was last written of it.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { assertNever } from '../../base/errors.ts';
import { done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { isPodTerminal } from '../common/pods.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { claimsOf } from '../persistentvolumeclaim-protection/plan.ts';
import * as binding from '../../apis/core/volume-binding/binding.ts';
import { type ClaimPlan, planClaim } from './plan-claim.ts';
import { isOnOffer, planReclaim, planVolume } from './plan-volume.ts';
import { defaultStorageClass } from './default-class.ts';

type Claim = binding.Claim;
type Volume = binding.Volume;

/** How often a claim that waits looks again: upstream's --pvclaimbinder-sync-period. */
const resyncMs = 15_000;

export const volumeBinderController: ControllerDescriptor = {
  name: 'persistentvolume-binder-controller',
  alias: 'persistentvolume-binder',
  serviceAccount: 'persistent-volume-binder',
  create: (context) => new VolumeBinderController(context),
};

class VolumeBinderController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #claimLoop: KeyedController;
  readonly #volumeLoop: KeyedController;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;
  readonly #writtenClaims = new WrittenVersions();
  readonly #writtenVolumes = new WrittenVersions();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('persistentvolume-controller');
    const { name } = volumeBinderController;
    this.#claimLoop = new KeyedController(context, {
      name,
      queueName: 'claims',
      workers: 1,
      reconcile: (key) => this.#syncClaim(key),
    });
    this.#volumeLoop = new KeyedController(context, {
      name,
      queueName: 'volumes',
      workers: 1,
      reconcile: (key) => this.#syncVolume(key),
    });
    this.#claims = this.#claimLoop.follows<PersistentVolumeClaim>(persistentVolumeClaims);
    this.#claims.addIndex('byWish', (claim) =>
      binding.isBindCompleted(claim) ? [] : [wishFor(binding.classOf(claim), claim.spec?.volumeName)],
    );
    this.#volumeLoop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      on: ['delete'],
      keys: (claim) => (claim.spec?.volumeName ? [claim.spec.volumeName] : []),
    });
    this.#volumes = this.#volumeLoop.follows<PersistentVolume>(persistentVolumes);
    this.#claimLoop.follows<PersistentVolume>(persistentVolumes, { keys: (volume) => this.#claimsConcernedBy(volume) });
    this.#classes = this.#claimLoop.follows<StorageClass>(storageClasses, {
      on: ['add', 'update'],
      // A new default may be for those without a class.
      keys: ({ metadata }) => [...this.#waitingFor(wishFor(metadata.name ?? '')), ...this.#waitingFor(wishFor(''))],
    });
    this.#pods = this.#claimLoop.uses<Pod>(pods);
    this.#pods.addIndex('byClaim', claimsOf);
    this.#volumeLoop.uses<StorageClass>(storageClasses);
  }

  start(): void {
    this.#claimLoop.start();
    this.#volumeLoop.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#claimLoop.stop(), this.#volumeLoop.stop()]);
  }

  /** The claim that a volume is bound to, when it may have to follow; those that wait for such a volume. */
  *#claimsConcernedBy(volume: Volume): Iterable<string> {
    if (volume.spec?.claimRef) yield binding.keyOfReference(volume.spec.claimRef);
    if (!isOnOffer(volume)) return;
    yield* this.#waitingFor(wishFor(binding.classOf(volume)));
    yield* this.#waitingFor(wishFor('', volume.metadata.name));
  }

  #waitingFor(wish: string): string[] {
    return this.#claims.byIndex('byWish', wish).map(binding.keyOfClaim);
  }

  async #syncClaim(key: string): Promise<Outcome> {
    const claim = this.#claims.get(key);
    if (!claim) {
      this.#writtenClaims.forget(key);
      return done;
    }
    if (!this.#writtenClaims.areSeenBy(this.#claims, key)) return done;
    const plan = planClaim({
      claim,
      volumes: this.#volumes.list().filter((volume) => this.#isFresh(volume)),
      volume: (name) => this.#volumes.get(name),
      storageClass: (name) => this.#classes.get(name),
      defaultClass: defaultStorageClass(this.#classes.list()),
      waitingPods: this.#pods
        .byIndex('byClaim', key)
        .filter((pod) => !isPodTerminal(pod) && !pod.spec?.nodeName)
        .map(({ metadata }) => metadata.name ?? ''),
    });
    try {
      return await this.#applyToClaim(claim, plan);
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }

  async #applyToClaim(claim: Claim, plan: ClaimPlan): Promise<Outcome> {
    switch (plan.kind) {
      case 'bind':
        await this.#bind(claim, plan.volume);
        return done;
      case 'wait':
        this.#tell(claim, plan.notice);
        await this.#setStatus(claim, 'Pending');
        return requeueAfter(resyncMs);
      case 'stuck':
        this.#tell(claim, plan.notice);
        return plan.error === undefined ? requeueAfter(resyncMs) : retry(new Error(plan.error));
      case 'assignClass':
        await this.#writeClaim({
          ...(claim as PersistentVolumeClaim),
          spec: { ...(claim as PersistentVolumeClaim).spec, storageClassName: plan.storageClassName },
        });
        return done;
      case 'provision': {
        const { provisioner } = plan;
        const { annotations } = claim.metadata;
        if (annotations?.[binding.storageProvisioner] !== provisioner) {
          const marks = { [binding.betaStorageProvisioner]: provisioner, [binding.storageProvisioner]: provisioner };
          await this.#writeClaim(binding.annotated(claim as PersistentVolumeClaim, marks));
        }
        const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
        this.#tell(claim, { type: 'Normal', reason: 'ExternalProvisioning', message });
        return requeueAfter(resyncMs);
      }
      case 'lose':
        if (claim.status?.phase === 'Lost') return done;
        await this.#setStatus(claim, 'Lost');
        this.#tell(claim, plan.notice);
        return done;
      default:
        return assertNever(plan, 'plan');
    }
  }

  async #bind(claim: Claim, volume: Volume): Promise<void> {
    const bound = binding.boundVolume(volume, claim);
    const named = bound ? await this.#writeVolume(bound) : volume;
    const taken = await this.#setPhase(named, 'Bound');
    const completed = binding.boundClaim(claim, taken);
    await this.#setStatus(completed ? await this.#writeClaim(completed) : claim, 'Bound', taken);
  }

  async #syncVolume(name: string): Promise<Outcome> {
    const volume = this.#volumes.get(name);
    if (!volume) {
      this.#writtenVolumes.forget(name);
      return done;
    }
    if (!this.#isFresh(volume)) return done;
    try {
      const claim = await this.#claimOf(volume);
      const plan = planVolume(volume, claim);
      switch (plan.kind) {
        case 'phase':
          await this.#setPhase(volume, plan.phase);
          return done;
        case 'syncClaim':
          if (claim) this.#claimLoop.queue.add(binding.keyOfClaim(claim));
          return done;
        case 'incompatible':
          this.#tellIncompatible(volume, plan.claim);
          return done;
        case 'unbind':
          await this.#setPhase(await this.#writeVolume(binding.unboundVolume(volume)), 'Available');
          return done;
        case 'release':
          await this.#release(volume);
          return done;
        default:
          return assertNever(plan, 'plan');
      }
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }

  /** A volume is given up only when the server itself says that its claim is gone: the cache may be behind. */
  async #claimOf(volume: Volume): Promise<Claim | undefined> {
    const reference = volume.spec?.claimRef;
    if (!reference?.uid) return undefined;
    const cached = this.#claims.get(binding.keyOfReference(reference));
    if (cached?.metadata.uid === reference.uid) return cached;
    const isGivenUp = volume.status?.phase === 'Released' || volume.status?.phase === 'Failed';
    if (!cached && isGivenUp) return undefined;
    try {
      const live = await this.#claimClient(reference.namespace).get(reference.name ?? '');
      return live.metadata.uid === reference.uid ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #release(volume: Volume): Promise<void> {
    const { phase } = volume.status ?? {};
    const released = phase === 'Released' || phase === 'Failed' ? volume : await this.#setPhase(volume, 'Released');
    const failure = planReclaim(released);
    if (!failure || phase === 'Failed') return;
    await this.#setPhase(released, 'Failed', failure.message);
    this.#recorder.event(released, failure.type, failure.reason, failure.message);
  }

  #tellIncompatible(volume: Volume, claim: Claim): void {
    const of = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} due to incompatible volumeMode.`;
    this.#recorder.event(volume, 'Warning', 'VolumeMismatch', of);
    const to = `Cannot bind PersistentVolume ${JSON.stringify(volume.metadata.name)} to requested PersistentVolumeClaim due to incompatible volumeMode.`;
    this.#recorder.event(claim, 'Warning', 'VolumeMismatch', to);
  }

  #tell(claim: Claim, notice: { type: 'Normal' | 'Warning'; reason: string; message: string } | undefined): void {
    if (notice) this.#recorder.event(claim, notice.type, notice.reason, notice.message);
  }

  #isFresh(volume: Volume): boolean {
    return this.#writtenVolumes.areSeenBy(this.#volumes, volume.metadata.name ?? '');
  }

  #claimClient(namespace: string | undefined) {
    return this.#context.client.resource<PersistentVolumeClaim>(persistentVolumeClaims).namespace(namespace);
  }

  async #writeClaim(claim: PersistentVolumeClaim, subresource?: 'status'): Promise<PersistentVolumeClaim> {
    const client = this.#claimClient(claim.metadata.namespace);
    const written = await client.update(claim, subresource ? { subresource } : {});
    this.#writtenClaims.note(binding.keyOfClaim(claim), written);
    return written;
  }

  async #setStatus(claim: Claim, phase: 'Pending' | 'Bound' | 'Lost', volume?: Volume): Promise<void> {
    const changed = binding.withStatus(claim, phase, volume);
    if (changed) await this.#writeClaim(changed, 'status');
  }

  async #writeVolume(volume: PersistentVolume, subresource?: 'status'): Promise<PersistentVolume> {
    const client = this.#context.client.resource<PersistentVolume>(persistentVolumes);
    const written = await client.update(volume, subresource ? { subresource } : {});
    this.#writtenVolumes.note(volume.metadata.name ?? '', written);
    return written;
  }

  async #setPhase(volume: Volume, phase: string, message?: string): Promise<Volume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _, ...status } = (volume as PersistentVolume).status ?? {};
    const next = { ...status, phase, ...(message === undefined ? {} : { message }) };
    return this.#writeVolume({ ...(volume as PersistentVolume), status: next }, 'status');
  }
}

/** What a claim that is not bound waits for: a volume by its name, or any of a class. */
const wishFor = (className: string, volumeName?: string): string =>
  volumeName ? `volume/${volumeName}` : `class/${className}`;
