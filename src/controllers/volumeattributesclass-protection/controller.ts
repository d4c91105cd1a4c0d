/** Keeps classes of volume attributes that a volume or a claim names from being deleted under it. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../apis/generated/types/core/v1.ts';
import type { VolumeAttributesClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { planProtection, withProtection } from '../common/protection.ts';
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { classesOfClaim, classesOfVolume } from './plan.ts';

const finalizer = 'kubernetes.io/vac-protection';
const index = 'byVolumeAttributesClass';

export const volumeAttributesClassProtectionController: ControllerDescriptor = {
  name: 'volumeattributesclass-protection-controller',
  serviceAccount: 'volumeattributesclass-protection-controller',
  create: (context) => new VolumeAttributesClassProtectionController(context),
};

class VolumeAttributesClassProtectionController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #classes: Informer<VolumeAttributesClass>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: volumeAttributesClassProtectionController.name,
      queueName: 'vacprotection',
      workers: 1,
      reconcile: (key) => this.#sync(key),
    });
    this.#classes = this.#loop.follows<VolumeAttributesClass>(volumeAttributesClasses, { on: ['add', 'update'] });
    this.#volumes = this.#loop.follows<PersistentVolume>(persistentVolumes, {
      on: ['update', 'delete'],
      changed: (old, volume) => lost(classesOfVolume(old), classesOfVolume(volume)),
      keys: classesOfVolume,
    });
    this.#claims = this.#loop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      on: ['update', 'delete'],
      changed: (old, claim) => lost(classesOfClaim(old), classesOfClaim(claim)),
      keys: classesOfClaim,
    });
    this.#volumes.addIndex(index, classesOfVolume);
    this.#claims.addIndex(index, classesOfClaim);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(name: string): Promise<Outcome> {
    const found = this.#classes.get(name);
    if (!found) return done;
    const isUsed = () => this.#volumes.byIndex(index, name).length > 0 || this.#claims.byIndex(index, name).length > 0;
    const step = planProtection(found, finalizer, isUsed);
    if (step === 'nothing') return done;
    try {
      await this.#context.client
        .resource<VolumeAttributesClass>(volumeAttributesClasses)
        .update(withProtection<VolumeAttributesClass>(found, finalizer, step));
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}

/** Only a class that is no longer named can become free. */
const lost = (before: readonly string[], after: readonly string[]): boolean =>
  before.some((name) => !after.includes(name));
